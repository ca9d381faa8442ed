import { after, before, describe } from 'node:test';
import type { Store } from '../../src/state/store.ts';
import { counterRules } from './counter-rules.ts';
import { eventRules } from './event-rules.ts';
import { leaseRules } from './lease-rules.ts';
import { recordRules } from './record-rules.ts';
import { storeRules } from './store-rules.ts';

/** One state, empty at the beginning, that may be opened several times. */
export interface ContractState {
  /** Opens it anew, as another process would. */
  open(): Store;
  /** Drops all but the newest `keep` events, as trimming does. */
  trim(keep: number): Promise<void>;
  /** Appends the texts `1` to `count` as events, from another process. */
  appendFromElsewhere(count: number): Promise<void>;
  /** Removes it; every opened store is closed by then. */
  remove(): Promise<void>;
}

/** What the rules of one part are given. */
export interface ContractSubject {
  readonly state: ContractState;
  /** One handle; the suite closes it. */
  readonly store: Store;
  /** Opens a further handle, which the suite closes. */
  readonly another: () => Store;
}

/** Runs every rule of `store.ts` against one driver. `make` gives a new, empty state. */
export function runStoreContract(name: string, make: () => Promise<ContractState>): void {
  describe(`the contract of the state: ${name}`, () => {
    for (const rules of [recordRules, counterRules, leaseRules, eventRules, storeRules]) {
      describe(rules.name, () => runRules(rules, make));
    }
  });
}

function runRules(rules: (subject: () => ContractSubject) => void, make: () => Promise<ContractState>): void {
  const opened: Store[] = [];
  let subject: ContractSubject | undefined;
  before(async () => {
    const state = await make();
    const another = (): Store => {
      const store = state.open();
      opened.push(store);
      return store;
    };
    subject = { state, store: another(), another };
  });
  after(async () => {
    await Promise.all(opened.map((store) => store.close()));
    await subject?.state.remove();
  });
  rules(() => {
    if (subject === undefined) throw new Error('the state was not opened');
    return subject;
  });
}
