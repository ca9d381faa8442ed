/** What `doctor` found about one thing. */
export interface Finding {
  readonly verdict: 'ok' | 'warn' | 'fail';
  readonly check: string;
  readonly text: string;
}

/** Gives a finding. */
export function finding(verdict: Finding['verdict'], check: string, text: string): Finding {
  return { verdict, check, text };
}
