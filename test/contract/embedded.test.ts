import { makeFileState } from './state-at.ts';
import { runStoreContract } from './store-contract.ts';

runStoreContract('a state file', makeFileState);
