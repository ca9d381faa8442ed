/** What programs may want to tell apart: nobody listens; there is no admin token, or a wrong one; there is no such thing. */
export type ComplaintReason = 'not-running' | 'no-token' | 'unauthorized' | 'not-found';

/** A failure as a person at a terminal wants it: what is wrong, where, and what to do. */
export class Complaint extends Error {
  readonly where: string | undefined;
  readonly remedy: string | undefined;
  readonly problems: readonly string[];
  readonly reason: ComplaintReason | undefined;

  constructor(
    what: string,
    more: {
      readonly where?: string;
      readonly remedy?: string;
      readonly problems?: readonly string[];
      readonly reason?: ComplaintReason | undefined;
      readonly cause?: unknown;
    } = {},
  ) {
    super(what, { cause: more.cause });
    this.name = 'Complaint';
    this.where = more.where;
    this.remedy = more.remedy;
    this.problems = more.problems ?? [];
    this.reason = more.reason;
  }
}
