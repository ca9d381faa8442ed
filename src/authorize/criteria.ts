import type { AllowPolicy } from '../config/config.ts';
import type { Arrived, Identity } from '../exchange.ts';
import { claimValues } from '../lib/claim-path.ts';
import { compileIpRanges } from '../lib/ip-range.ts';

/** A test of one key of `allow`, ready to run. */
export type Criterion = (identity: Identity, arrived: Arrived) => boolean;

/** Word for the log and for explanations: which key was not met. */
export type DenialReason =
  | 'no-allow'
  | 'user-not-allowed'
  | 'group-missing'
  | 'email-not-allowed'
  | 'claim-missing'
  | 'method-not-allowed'
  | 'address-not-allowed';

/** One key of `allow`: the word for its refusal, and how its accepted values become a test. */
export interface CriterionRow<Accepted> {
  readonly reason: DenialReason;
  readonly compile: (accepted: Accepted) => Criterion;
}

/** A row for each key of `allow`, none left out. */
export type CriteriaTable = {
  readonly [Key in keyof Required<AllowPolicy>]: CriterionRow<Required<AllowPolicy>[Key]>;
};

/**
 * Every key that `allow` knows, in the order in which they are asked: any-of inside a key, all-of across keys. An `email`
 * counts only where somebody vouches for it; an absent value never matches.
 */
export const CRITERIA: CriteriaTable = {
  users: {
    reason: 'user-not-allowed',
    compile: (users) => {
      const accepted = new Set(users);
      return (identity) => accepted.has(identity.user);
    },
  },
  groups: {
    reason: 'group-missing',
    compile: (groups) => {
      const accepted = new Set(groups);
      return (identity) => identity.groups.some((group) => accepted.has(group));
    },
  },
  emails: {
    reason: 'email-not-allowed',
    compile: (emails) => {
      const accepted = new Set(emails.map((email) => email.toLowerCase()));
      return (identity) => {
        const email = identity.email?.toLowerCase();
        if (email === undefined) return false;
        const parts = email.split('@');
        return accepted.has(email) || (parts.length === 2 && accepted.has(`*@${parts[1]}`));
      };
    },
  },
  claims: {
    reason: 'claim-missing',
    compile: (claims) => {
      const wanted = Object.entries(claims).map(([path, values]) => ({ path, accepted: new Set(values) }));
      return ({ claims: held }) =>
        wanted.every(({ path, accepted }) => claimValues(held, path).some((value) => accepted.has(value)));
    },
  },
  methods: {
    reason: 'method-not-allowed',
    compile: (methods) => {
      const accepted = new Set(methods.map((method) => method.toUpperCase()));
      return (_identity, arrived) => accepted.has(arrived.request.method);
    },
  },
  addresses: {
    reason: 'address-not-allowed',
    compile: (ranges) => {
      const contains = compileIpRanges(ranges);
      return (_identity, arrived) => contains(arrived.client.address);
    },
  },
};
