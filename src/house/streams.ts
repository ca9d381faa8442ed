import { endedTag, tagsOf } from '../authenticate/tie-tags.ts';
import { sameSettings } from '../lib/same-settings.ts';
import type { Review } from '../streams/doubts.ts';
import { OpenStreams } from '../streams/open-streams.ts';
import type { Foundation } from './foundation.ts';
import type { House } from './house.ts';

/**
 * Gives the open streams of this process, cut by whatever ends what they hang on.
 *
 * Security: call it after everybody who forgets credentials listens to the notices: a review asks them.
 */
export function watchStreams(
  { clock, coarse, metrics, notices, sessions }: Foundation,
  review: Review,
): OpenStreams {
  const onCut = (reason: string): void => metrics.streamCut(reason);
  const streams = new OpenStreams({
    clock,
    review,
    tagsOf,
    endedTag,
    sessions: {
      isLive: async (id) => (await sessions.live(id)) !== undefined,
      touch: (id) => sessions.touch(id),
    },
    onCut,
  });
  notices.on((notice) => streams.hear(notice));
  notices.onGap(() => streams.doubtAll());
  coarse.onTick(() => streams.tick());
  return streams;
}

type Routing = Pick<House, 'table' | 'config'>;

/** Gives the ids of the routes that two generations share: the same settings, and the same upstream behind them. */
export function sharedRoutes(before: Routing, now: Routing): ReadonlySet<string> {
  const known = new Map(before.table.routes.map(({ id, config }) => [id, config]));
  const upstreamOf = ({ config }: Routing, name: string) => config.upstreams.get(name);
  const shared = now.table.routes.filter(
    ({ id, config }) =>
      sameSettings(config, known.get(id)) &&
      sameSettings(upstreamOf(now, config.upstream), upstreamOf(before, config.upstream)),
  );
  return new Set(shared.map(({ id }) => id));
}
