import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { OnDemand } from '../../../../src/certificates/acme/on-demand.ts';
import { silentLogger } from '../../../../src/lib/logger.ts';
import type { Store } from '../../../../src/state/store.ts';
import { eventually } from '../../../support/eventually.ts';
import { openTestStore } from './store.ts';

function make(t: TestContext, store: Store = openTestStore(t)) {
  const hosts: string[] = [];
  const ruleFor = (host: string): string | undefined =>
    ['apps', 'shops'].find((rule) => host.endsWith(`.${rule}.test`));
  const onHost = (host: string): void => void hosts.push(host);
  return {
    store,
    hosts,
    onDemand: new OnDemand({ store, clock: Date.now, logger: silentLogger, ruleFor, onHost }),
  };
}

test('a host that a rule allows is taken on once, and known to other processes', async (t) => {
  const { store, hosts, onDemand } = make(t);
  onDemand.asked('a.apps.test');
  onDemand.asked('a.apps.test');
  onDemand.asked('a.elsewhere.test');
  await eventually('the host is taken on', () => hosts.length > 0);
  assert.deepEqual(hosts, ['a.apps.test']);
  const other = make(t, store);
  await other.onDemand.load();
  assert.deepEqual(other.hosts, ['a.apps.test']);
});

test('clients cannot make more than twenty orders an hour', async (t) => {
  const { hosts, onDemand } = make(t);
  for (let i = 0; i < 60; i++) onDemand.asked(`h${i}.apps.test`);
  await eventually('twenty hosts', () => hosts.length === 20);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(hosts.length, 20);
});

test('made-up names under the suffix of one rule take nothing from the hosts of another one', async (t) => {
  const { hosts, onDemand } = make(t);
  for (let i = 0; i < 30; i++) onDemand.asked(`h${i}.apps.test`);
  await eventually('the first rule is used up', () => hosts.length === 20);
  onDemand.asked('a.shops.test');
  await eventually('the host of the second one is taken on', () => hosts.includes('a.shops.test'));
});

test('a host too long to name a certificate is passed over', async (t) => {
  const { hosts, onDemand } = make(t);
  onDemand.asked(`${'x'.repeat(60)}.apps.test`);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(hosts, []);
});
