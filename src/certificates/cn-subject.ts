import { type DerNode, oid, sequence, set, utf8 } from './der.ts';

const COMMON_NAME = '2.5.4.3';

/** Gives the distinguished name that has a common name and nothing else. @param text - empty for no name at all */
export function cnSubject(text: string): DerNode {
  if (text === '') return sequence();
  return sequence(set(sequence(oid(COMMON_NAME), utf8(text))));
}
