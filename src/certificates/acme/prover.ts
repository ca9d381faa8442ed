import type { ChallengeBoard } from './challenge-board.ts';
import { dnsValue, type RunHook } from './dns-hook.ts';

/** What the CA wants to see, for one host. */
export interface Proof {
  /** Without `*.`. */
  readonly host: string;
  readonly token: string;
  readonly keyAuthorization: string;
}

/** Shows the CA that a host is ours, one way. */
export interface Prover {
  readonly type: 'http-01' | 'tls-alpn-01' | 'dns-01';
  /** @throws when it cannot be shown */
  show(proof: Proof): Promise<void>;
  /** Takes it away again. Never rejects. */
  hide(proof: Proof): Promise<void>;
}

/** Gives what proves on our own ports, on every process. */
export function boardProver(board: ChallengeBoard, type: 'http-01' | 'tls-alpn-01'): Prover {
  return {
    type,
    show: (proof) => board.show({ kind: type, ...proof }),
    hide: (proof) => board.hide({ kind: type, ...proof }),
  };
}

/** Gives what proves by a TXT record that a command sets (RFC 8555 §8.4). */
export function hookProver(run: RunHook): Prover {
  return {
    type: 'dns-01',
    show: ({ host, keyAuthorization }) => run('present', host, dnsValue(keyAuthorization)),
    hide: async ({ host, keyAuthorization }) => {
      await run('cleanup', host, dnsValue(keyAuthorization)).catch(() => undefined);
    },
  };
}
