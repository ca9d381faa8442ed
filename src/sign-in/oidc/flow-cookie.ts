import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { cookieValues } from '../../lib/cookies.ts';
import { FLOW_MS } from './flow-store.ts';

/** A cookie of its own for every flow: tabs that begin at once cannot overwrite each other's. */
const PREFIX = '__Host-sallyport-flow-';
/** Most flows of one browser on one host; the oldest give way. */
const MAX_FLOWS = 12;
const ATTRIBUTES = 'Path=/; Secure; HttpOnly; SameSite=Lax';

export interface FlowCookie {
  /** SHA-256 of the value, base64url: what the flow remembers. */
  readonly browserHash: string;
  /** Values of `Set-Cookie`: the new cookie, and the end of those that are too many. */
  readonly setCookies: readonly string[];
}

/**
 * Gives the cookie that binds a new flow to its browser.
 *
 * Security: without it, a callback that an attacker began could be slipped to another browser (RFC 6749 §10.12). The
 * cookie is `Lax`: it has to come along when the provider sends the browser back.
 */
export function makeFlowCookie(state: string, cookie: string | undefined, nowMs: number): FlowCookie {
  const value = `${Math.floor(nowMs / 1000).toString(36)}.${randomBytes(32).toString('base64url')}`;
  const tooMany = presentFlows(cookie).slice(0, -(MAX_FLOWS - 1));
  return {
    browserHash: hashOf(value),
    setCookies: [
      `${nameOf(state)}=${value}; Max-Age=${FLOW_MS / 1000}; ${ATTRIBUTES}`,
      ...tooMany.map(endOf),
    ],
  };
}

/** Says whether the browser that brings these cookies began the flow. */
export function isSameBrowser(state: string, browserHash: string, cookie: string | undefined): boolean {
  const expected = Buffer.from(browserHash);
  return cookieValues(cookie, nameOf(state)).some((value) => {
    const hash = Buffer.from(hashOf(value));
    return hash.length === expected.length && timingSafeEqual(hash, expected);
  });
}

/** Gives the value of `Set-Cookie` that ends the cookie of a flow. */
export function endFlowCookie(state: string): string {
  return endOf(nameOf(state));
}

function endOf(name: string): string {
  return `${name}=; Max-Age=0; ${ATTRIBUTES}`;
}

/** Names of the flow cookies that a browser has, the oldest first. */
function presentFlows(cookie: string | undefined): readonly string[] {
  const found = [
    ...(cookie ?? '').matchAll(/(?:^|; *)(__Host-sallyport-flow-[A-Za-z0-9_-]{16})=([0-9a-z]{1,10})\./g),
  ];
  return found
    .map(([, name = '', started = '']) => ({ name, startedSec: Number.parseInt(started, 36) }))
    .sort((a, b) => a.startedSec - b.startedSec)
    .map(({ name }) => name);
}

function nameOf(state: string): string {
  return PREFIX + hashOf(`cookie:${state}`).slice(0, 16);
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
