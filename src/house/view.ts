import { canonicalName } from '../accounts/account-name.ts';
import type { GatewayView, Readiness } from '../admin/view.ts';
import type { Keeper } from '../certificates/keeper.ts';
import { firstFew } from '../lib/first-few.ts';
import type { OpenStreams } from '../streams/open-streams.ts';
import { apiKeyView } from './api-key-view.ts';
import { clientNotes, entryEnds } from './client-notes.ts';
import type { Foundation } from './foundation.ts';
import type { House } from './house.ts';
import { issueToken } from './issue-token.ts';

/** What the view looks at; asked anew each time, since a reload changes it. */
export interface ViewParts {
  readonly foundation: Foundation;
  readonly streams: OpenStreams;
  readonly house: () => House;
  readonly keeper: () => Keeper;
  readonly notes: () => readonly string[];
  readonly stopping: () => boolean;
  readonly reload: () => Promise<{ readonly generation: number }>;
}

/** Gives what the admin API may see and do of the running house. */
export function makeView(parts: ViewParts): GatewayView {
  const { foundation, house, keeper, streams } = parts;
  const { accounts, sessions, revocations, metrics } = foundation;
  return {
    certificates: {
      list: () => keeper().inventory.list(),
      find: (name) => keeper().inventory.detail(name),
      rotate: (name, upload) => keeper().rotate(name, upload),
      rollback: (name) => keeper().rollback(name),
      remove: (name) => keeper().remove(name),
    },
    accounts: {
      list: () => accounts.list(),
      put: (name, account) => accounts.put(name, account),
      remove: (name) => accounts.remove(name),
      async resetSecondFactors(name) {
        const user = canonicalName(name) ?? name;
        const existed = await foundation.secondFactors.reset(user);
        // Whoever took the device may sit in a session.
        if (existed) await sessions.revokeAll(user);
        return existed;
      },
    },
    apiKeys: apiKeyView(foundation),
    sessions: {
      list: (user) => sessions.list(user),
      revoke: (id) => sessions.revoke(id),
      async revokeAll(user, alsoKeys) {
        if (alsoKeys) await foundation.apiKeys.revokeAll(user);
        return sessions.revokeAll(user);
      },
    },
    async revokeTokens(order) {
      if ('jti' in order) return revocations.revokeToken(order.jti);
      await revocations.revokeSubject(order.subject, order.beforeSec);
      await sessions.endings.interrupt(order.subject);
    },
    audit: {
      list: (limit, after) => foundation.audit.list(limit, after),
      record: (entry) => foundation.audit.record(entry),
    },
    streams: { list: () => streams.list(), cut: (id) => streams.cut(id) },
    routes: () =>
      house().table.routes.map(({ config }) => ({
        id: config.id,
        host: config.host,
        path: config.path,
        upstream: config.upstream,
        public: config.public,
        accept: config.accept,
        allow: config.allow ?? null,
      })),
    upstreams: () =>
      [...house().upstreams].map(([name, upstream]) => ({
        name,
        targets: upstream.targets.map(({ address, healthy, active, idle }) => ({
          address,
          healthy,
          active,
          idle,
        })),
      })),
    async metrics() {
      metrics.certificates(keeper().expiries());
      metrics.clientEntries(entryEnds(house().demands));
      metrics.openStreams(streams.counts());
      return await metrics.text();
    },
    readiness: () => readinessOf(parts),
    reload: parts.reload,
    issueToken: ({ subject, groups, ttlSec }) =>
      issueToken(foundation, {
        user: subject,
        groups,
        email: undefined,
        method: 'token',
        address: undefined,
        account: undefined,
        parent: undefined,
        proof: { authenticatedAtSec: undefined, secondFactorAtSec: undefined },
        ttlSec,
      }),
  };
}

function readinessOf({ foundation, house, keeper, notes, stopping }: ViewParts): Readiness {
  const state = foundation.store.health();
  const list = [...notes(), ...clientNotes(house().demands, foundation.clock())];
  if (!state.up)
    list.push('the state cannot be reached: known identities go on, new ones cannot be verified');
  const unserved = keeper().inventory.unserved();
  if (unserved.length > 0)
    list.push(
      `stored certificates are not served, \`sallyport cert list\` says why: ${firstFew(unserved, 5)}`,
    );
  if (stopping()) list.push('the gateway is stopping');
  return { ready: !stopping(), generation: house().generation, state, notes: list };
}
