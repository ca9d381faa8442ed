import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { Secret } from '../../src/lib/secret.ts';
import { type SessionSecret, Sessions } from '../../src/sessions/sessions.ts';
import { Notices } from '../../src/state/notices.ts';
import { openStore } from '../../src/state/open-store.ts';

/** What a person does with sessions, as the gateway does it for them. */
export const SESSION_STEPS = ['sign-in', 'lookup', 'list', 'end all'] as const;
export type SessionStep = (typeof SESSION_STEPS)[number];

/** Sessions of the user whose sessions are listed and ended, as of every other user. */
const PER_USER = 10;
/** Creations under way at once while filling. */
const AT_ONCE = 200;
/** One of so many sessions is remembered, to be looked up. */
const SAMPLE_EVERY = 97;

/** Sessions on one state, to be filled and measured. */
export interface SessionHouse {
  /** Makes sessions of others through `Sessions.create`, as sign-ins do, two hundred at a time. */
  fill(count: number, progress?: (made: number) => void): Promise<void>;
  /** Does a step once. @returns how long it took, milliseconds */
  time(step: SessionStep): Promise<number>;
  close(): Promise<void>;
}

/** Opens the state that `url` names and sessions on it, as the gateway does. */
export async function openSessionHouse(url: string): Promise<SessionHouse> {
  const parts = { clock: systemClock, logger: silentLogger };
  const store = openStore({ url: new Secret(url), ...parts });
  const notices = new Notices({ store, logger: silentLogger });
  const config = { idleMs: 30 * 60_000, absoluteMs: 12 * 3_600_000 };
  const sessions = new Sessions({ store, notices, config, ...parts });
  const known: SessionSecret[] = [];

  const signIn = (user: string) => sessions.create(orderOf(user));
  const timed = async (run: () => Promise<unknown>): Promise<number> => {
    const startedMs = performance.now();
    await run();
    return performance.now() - startedMs;
  };
  const steps: Readonly<Record<SessionStep, () => Promise<number>>> = {
    'sign-in': () => timed(() => signIn(strangerName())),
    lookup() {
      const { secret } = known[Math.floor(Math.random() * known.length)] ?? { secret: '' };
      return timed(async () => expect((await sessions.bySecret(secret)) !== undefined));
    },
    async list() {
      const user = await person(signIn);
      return timed(async () => expect((await sessions.list(user)).length === PER_USER));
    },
    async 'end all'() {
      const user = await person(signIn);
      return timed(async () => expect((await sessions.revokeAll(user)) === PER_USER));
    },
  };
  known.push(await signIn(strangerName()));
  return {
    async fill(count, progress) {
      let made = 0;
      const work = async (): Promise<void> => {
        while (made < count) {
          const number = made++;
          const session = await patiently(() => signIn(`user-${Math.floor(number / PER_USER)}@example.com`));
          if (number % SAMPLE_EVERY === 0) known.push(session);
          if (number % 100_000 === 0) progress?.(number);
          // The embedded store answers without ever leaving the turn; timers are to run, too.
          if (number % AT_ONCE === 0) await new Promise((done) => setImmediate(done));
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
    },
    time: (step) => steps[step](),
    async close() {
      await sessions.close();
      notices.close();
      await store.close();
    },
  };
}

/** Tries again, some times, where a machine that is busy with other things kept the state from answering. */
async function patiently<T>(run: () => Promise<T>, times = 20): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (times === 0) throw error;
    await sleep(250);
    return patiently(run, times - 1);
  }
}

/** Gives a session order with fields as long as they are in practice. */
function orderOf(user: string): Parameters<Sessions['create']>[0] {
  return {
    user,
    groups: ['staff', 'ops'],
    email: user,
    method: 'basic',
    address: '203.0.113.77',
    device: 'Firefox on Linux',
    account: user,
  };
}

async function person(signIn: (user: string) => Promise<unknown>): Promise<string> {
  const user = strangerName();
  for (let number = 0; number < PER_USER; number++) await signIn(user);
  return user;
}

function strangerName(): string {
  return `${randomBytes(8).toString('hex')}@example.com`;
}

function expect(holds: boolean): void {
  if (!holds) throw new Error('a session is not what it should be');
}
