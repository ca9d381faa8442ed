import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Events, StoredEvent } from '../../src/state/store.ts';
import { bytes, numbers, texts, until } from './rule-words.ts';
import type { ContractSubject } from './store-contract.ts';

/** What one follower was told. */
interface Heard {
  readonly events: StoredEvent[];
  gaps: number;
  readonly stop: () => void;
}

/** What the contract says of events. The rules run one after the other, on one log. */
export function eventRules(subject: () => ContractSubject): void {
  const events = (): Events => subject().store.events;
  followRules(subject, events);
  resumeRules(subject, events);
}

function followRules(subject: () => ContractSubject, events: () => Events): void {
  it('the tail of an empty log is followed from its first event', async () => {
    const heard = hear(events(), await events().tail());
    await appendAll(events(), ['first']);
    await until(() => heard.events.length === 1, 1000, 'the first event');
    heard.stop();
    assert.deepEqual([texts(heard.events), heard.gaps], [['first'], 0]);
  });

  it('events of two handles reach followers on both in one order, each once, in under a second', async () => {
    const other = subject().another().events;
    const tail = await events().tail();
    const [here, there] = [hear(events(), tail), hear(other, tail)];
    const begun = performance.now();
    await Promise.all(
      numbers(200).map((word, index) => (index % 2 === 0 ? events() : other).append(bytes(word))),
    );
    await until(() => here.events.length >= 200 && there.events.length >= 200, 1000, 'all events');
    assert.ok(performance.now() - begun < 1000);
    await sleep(50);
    for (const heard of [here, there]) heard.stop();
    assert.deepEqual(texts(here.events), texts(there.events));
    assert.deepEqual([...texts(here.events)].sort(), [...numbers(200)].sort());
    assert.deepEqual([here.gaps, there.gaps], [0, 0]);
  });

  it('events of another process arrive in under a second, in order, each once', async () => {
    const heard = hear(events(), await events().tail());
    await subject().state.appendFromElsewhere(20);
    await until(() => heard.events.length >= 20, 1000, 'the events of the other process');
    heard.stop();
    assert.deepEqual(texts(heard.events), numbers(20));
  });

  it('the offset that append gives is the offset that followers see, and then the tail', async () => {
    const heard = hear(events(), await events().tail());
    const offsets = await appendAll(events(), numbers(3));
    await until(() => heard.events.length === 3, 1000, 'three events');
    heard.stop();
    assert.deepEqual(
      heard.events.map(({ offset }) => offset),
      offsets,
    );
    assert.equal(await events().tail(), offsets[2]);
  });

  it('a follower that was stopped hears nothing more', async () => {
    const heard = hear(events(), await events().tail());
    await appendAll(events(), ['heard']);
    await until(() => heard.events.length === 1, 1000, 'the event');
    heard.stop();
    heard.stop();
    await appendAll(events(), ['not heard']);
    await sleep(250);
    assert.deepEqual(texts(heard.events), ['heard']);
  });

  it('a follower that throws loses nothing, and disturbs no other', async () => {
    const seen: string[] = [];
    const tail = await events().tail();
    const stop = events().follow(
      tail,
      (batch) => {
        seen.push(...texts(batch));
        throw new Error('a fault of the follower');
      },
      () => {},
    );
    const heard = hear(events(), tail);
    await appendAll(events(), ['one']);
    await until(() => seen.length === 1, 1000, 'the first event');
    await appendAll(events(), ['two']);
    await until(() => seen.length === 2 && heard.events.length === 2, 1000, 'the second event');
    stop();
    heard.stop();
    assert.deepEqual(seen, ['one', 'two']);
  });
}

function resumeRules(subject: () => ContractSubject, events: () => Events): void {
  it('who was away hears what was missed from the last offset, in order, each once', async () => {
    const before = hear(events(), await events().tail());
    await appendAll(events(), numbers(5));
    await until(() => before.events.length === 5, 1000, 'the first events');
    before.stop();
    await appendAll(events(), numbers(1500, 6));
    const after = hear(subject().another().events, before.events.at(-1)?.offset ?? '');
    await until(() => after.events.length >= 1500, 2000, 'the missed events');
    await appendAll(events(), ['live']);
    await until(() => after.events.length >= 1501, 1000, 'the live event');
    after.stop();
    assert.deepEqual(texts(after.events), [...numbers(1500, 6), 'live']);
    assert.equal(after.gaps, 0);
  });

  it('an offset that the log still holds is no gap after trimming', async () => {
    const offsets = await appendAll(events(), numbers(10));
    await subject().state.trim(5);
    const heard = hear(events(), offsets[5] ?? '');
    await until(() => heard.events.length >= 4, 1000, 'the events that are left');
    heard.stop();
    assert.deepEqual([texts(heard.events), heard.gaps], [['7', '8', '9', '10'], 0]);
  });

  it('when the log was trimmed past the offset, the gap is told before any event', async () => {
    const [early = ''] = await appendAll(events(), numbers(10));
    await subject().state.trim(3);
    const order: string[] = [];
    const stop = events().follow(
      early,
      (batch) => order.push(...texts(batch)),
      () => order.push('gap'),
    );
    await until(() => order.length >= 4, 1000, 'gap and events');
    stop();
    assert.deepEqual(order, ['gap', '8', '9', '10']);
  });

  it('an offset that this log never gave is a gap, and later events arrive', async () => {
    for (const foreign of ['99999999999999999-7', 'nonsense', '', '1-2-3', '-1']) {
      const heard = hear(events(), foreign);
      await until(() => heard.gaps === 1, 1000, `a gap for the offset ${JSON.stringify(foreign)}`);
      await appendAll(events(), ['later']);
      await until(() => texts(heard.events).at(-1) === 'later', 1000, 'the later event');
      heard.stop();
      assert.equal(heard.gaps, 1);
    }
  });
}

function hear(events: Events, from: string): Heard {
  const list: StoredEvent[] = [];
  const stop = events.follow(
    from,
    (batch) => list.push(...batch),
    () => {
      heard.gaps += 1;
    },
  );
  const heard: Heard = { events: list, gaps: 0, stop };
  return heard;
}

async function appendAll(events: Events, words: readonly string[]): Promise<readonly string[]> {
  return await Promise.all(words.map((word) => events.append(bytes(word))));
}
