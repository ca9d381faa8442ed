import { isIP } from 'node:net';
import { type DerNode, retagged } from './der.ts';
import { addressBytes } from './host-name.ts';

/** Gives a GeneralName: a dNSName, or an iPAddress for an address (RFC 5280 §4.2.1.6). @param name - ASCII */
export function alternativeName(name: string): DerNode {
  return isIP(name) === 0 ? retagged(2, Buffer.from(name, 'latin1')) : retagged(7, addressBytes(name));
}
