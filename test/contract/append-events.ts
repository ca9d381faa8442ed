import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { Secret } from '../../src/lib/secret.ts';
import { openStore } from '../../src/state/open-store.ts';

// A process of its own: appends the texts 1 to COUNT to the log of the state at URL.
const [url = '', count = '0'] = process.argv.slice(2);
const store = openStore({ url: new Secret(url), clock: systemClock, logger: silentLogger });
for (let word = 1; word <= Number(count); word += 1) await store.events.append(Buffer.from(String(word)));
await store.close();
