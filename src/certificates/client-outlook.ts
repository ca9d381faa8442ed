import type { X509Certificate } from 'node:crypto';
import { dayOf } from '../lib/day-of.ts';
import type { ClientEntry } from './client-entry.ts';
import type { RevocationList } from './revocation-list.ts';
import { subjectText } from './subject-text.ts';

/** Something about the files of an entry that turns clients away, or soon will. */
export interface ClientConcern {
  readonly verdict: 'warn' | 'fail';
  /** For people; names the entry first. */
  readonly text: string;
}

/** Until when the files of an entry hold. */
export interface ClientEnds {
  /** When the first of its authorities ends; one that was made anew counts with its last certificate. */
  readonly caEndsMs: number;
  /** When the first of its lists is out of date, where an authority has several the last one; `undefined`: never. */
  readonly crlEndsMs: number | undefined;
}

const DAY_MS = 24 * 3600_000;
const WARN_MS = 14 * DAY_MS;
/** Lists are made for hours as well as for months: the last tenth of their life is near, and never more than two weeks. */
const LAST_PART = 10;

/** Gives until when the files of an entry hold. */
export function clientEnds(entry: ClientEntry): ClientEnds {
  const ends = currentLists(entry).flatMap(({ nextUpdateMs }) => nextUpdateMs ?? []);
  return {
    caEndsMs: Math.min(...currentAuthorities(entry).map(endOfAuthority)),
    crlEndsMs: ends.length === 0 ? undefined : Math.min(...ends),
  };
}

/** Gives every moment at which fewer clients of an entry are believed than before: an authority ends, or a list is out of date. */
export function momentsOf(entry: ClientEntry): readonly number[] {
  const lists = currentLists(entry).flatMap(({ nextUpdateMs }) => nextUpdateMs ?? []);
  return [...currentAuthorities(entry).map(endOfAuthority), ...lists];
}

/**
 * Gives what turns clients of an entry away now, or soon: authorities that end, lists that are out of date, authorities
 * without a list beside others that have one, lists that do not say which of several authorities of one name made them.
 */
export function clientOutlook(entry: ClientEntry, nowMs: number): readonly ClientConcern[] {
  const told = currentAuthorities(entry).flatMap((authority) => ending(authority, nowMs));
  if (entry.lists.length > 0) {
    told.push(...currentLists(entry).flatMap((list) => staleness(list, entry, nowMs)));
    told.push(...listless(entry));
    told.push(...ambiguous(entry));
  }
  const { name } = entry.config;
  return told.map(({ verdict, text }) => ({ verdict, text: `client certificates ${name}: ${text}` }));
}

/** OpenSSL takes the one that holds: the old one of an authority that was made anew may stay in the file. */
function currentAuthorities({ authorities, subjects }: ClientEntry): readonly X509Certificate[] {
  return lastOf(authorities, (_authority, at) => subjects[at] ?? '', endOfAuthority);
}

/** The same goes for the lists of one authority. */
function currentLists({ lists }: ClientEntry): readonly RevocationList[] {
  const endOf = ({ nextUpdateMs }: RevocationList): number => nextUpdateMs ?? Number.POSITIVE_INFINITY;
  return lastOf(lists, ({ issuer }) => issuer, endOf);
}

/** Gives of each name the one that ends last. */
function lastOf<T>(
  all: readonly T[],
  nameOf: (one: T, at: number) => string,
  endOf: (one: T) => number,
): readonly T[] {
  const last = new Map<string, T>();
  for (const [at, one] of all.entries()) {
    const name = nameOf(one, at);
    const known = last.get(name);
    if (known === undefined || endOf(one) > endOf(known)) last.set(name, one);
  }
  return [...last.values()];
}

function endOfAuthority({ validToDate }: X509Certificate): number {
  return validToDate.getTime();
}

function ending(authority: X509Certificate, nowMs: number): ClientConcern[] {
  const endsAtMs = endOfAuthority(authority);
  const who = `the authority ${subjectText(authority.subject)}`;
  if (endsAtMs <= nowMs) {
    return [{ verdict: 'fail', text: `${who} ended on ${dayOf(endsAtMs)}: everybody below it is refused` }];
  }
  if (endsAtMs - nowMs >= WARN_MS) return [];
  return [{ verdict: 'warn', text: `${who} ends ${momentOf(endsAtMs)}` }];
}

function staleness(
  list: RevocationList,
  { authorities, subjects, config }: ClientEntry,
  nowMs: number,
): ClientConcern[] {
  const { issuer, thisUpdateMs, nextUpdateMs } = list;
  const owner = authorities[subjects.indexOf(issuer)];
  const what = `the revocation list of ${owner === undefined ? 'another authority' : subjectText(owner.subject)} in ${config.crl}`;
  if (thisUpdateMs > nowMs) {
    const text = `${what} counts from ${momentOf(thisUpdateMs)} only: until then everybody below it is refused`;
    return [{ verdict: 'fail', text }];
  }
  if (nextUpdateMs === undefined) return [];
  if (nextUpdateMs <= nowMs) {
    const text = `${what} is out of date since ${momentOf(nextUpdateMs)}: everybody below it is refused`;
    return [{ verdict: 'fail', text }];
  }
  if (nextUpdateMs - nowMs >= Math.min(WARN_MS, (nextUpdateMs - thisUpdateMs) / LAST_PART)) return [];
  return [{ verdict: 'warn', text: `${what} is out of date from ${momentOf(nextUpdateMs)} on` }];
}

function listless({ authorities, subjects, lists }: ClientEntry): ClientConcern[] {
  const listed = new Set(lists.map(({ issuer }) => issuer));
  return authorities
    .filter((_authority, at) => !listed.has(subjects[at] ?? ''))
    .map((authority) => {
      const who = `the authority ${subjectText(authority.subject)}`;
      const text = `${who} has no revocation list, but others have: everybody below it is refused`;
      return { verdict: 'fail', text };
    });
}

/** OpenSSL takes a list that names no key for that of each authority of the name, also where another list is the right one. */
function ambiguous({ authorities, subjects, lists, config }: ClientEntry): ClientConcern[] {
  const keyless = new Set(lists.filter((list) => !list.hasAuthorityKeyId).map(({ issuer }) => issuer));
  return [...keyless].flatMap((name): ClientConcern[] => {
    const [first, ...others] = authorities.filter((_authority, at) => subjects[at] === name);
    if (first === undefined || others.every(({ publicKey }) => publicKey.equals(first.publicKey))) return [];
    const who = `several authorities with keys of their own are named ${subjectText(first.subject)}`;
    const what = `a revocation list of this name in ${config.crl} has no authority key identifier`;
    const text = `${who}, but ${what}: it is taken for that of any of them, and everybody below the others is refused`;
    return [{ verdict: 'fail', text }];
  });
}

function momentOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16)}Z`;
}
