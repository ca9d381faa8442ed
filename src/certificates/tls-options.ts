import type { TlsPreset } from '../config/config.ts';

/** What `tls.createServer` and `tls.createSecureContext` are given for a preset. */
export interface TlsOptions {
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  readonly maxVersion: 'TLSv1.3';
  readonly ciphers: string;
  readonly sigalgs: string;
  readonly ecdhCurve: string;
  readonly honorCipherOrder: boolean;
}

const TLS13_CIPHERS = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'];

/** Forward secret and authenticated only: no CBC, no static RSA, no DHE. */
const TLS12_CIPHERS = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
];

const SIGNATURES = [
  'ecdsa_secp256r1_sha256',
  'ecdsa_secp384r1_sha384',
  'ecdsa_secp521r1_sha512',
  'rsa_pss_rsae_sha256',
  'rsa_pss_rsae_sha384',
  'rsa_pss_rsae_sha512',
];

/** TLS 1.2 clients that do not know PSS. */
const TLS12_SIGNATURES = ['rsa_pkcs1_sha256', 'rsa_pkcs1_sha384', 'rsa_pkcs1_sha512'];

const GROUPS = ['X25519', 'prime256v1', 'secp384r1'];

/** The hybrid group came with OpenSSL 3.5; an older one refuses the whole list for it. */
function groups(): string {
  const [major = 0, minor = 0] = process.versions.openssl.split('.').map(Number);
  const hybrid = major > 3 || (major === 3 && minor >= 5);
  return (hybrid ? ['X25519MLKEM768', ...GROUPS] : GROUPS).join(':');
}

/**
 * Gives the TLS options of a preset: `modern` is TLS 1.3 only, `intermediate` adds TLS 1.2 with forward secrecy. The client
 * chooses among the ciphers, as it knows whether its processor has AES.
 *
 * Security: OpenSSL takes version, ciphers, groups and signature algorithms of a connection from the context that the
 * *server* was made with; a context chosen by server name changes the certificate only. A server that has names of both
 * presets is made with `intermediate`, and its `SNICallback` must refuse when `getProtocol()` of its socket, which is known
 * by then, is below `Found.minVersion`.
 *
 * @see Mozilla Server Side TLS 5.7
 */
export function tlsOptions(preset: TlsPreset): TlsOptions {
  const modern = preset === 'modern';
  return {
    minVersion: modern ? 'TLSv1.3' : 'TLSv1.2',
    maxVersion: 'TLSv1.3',
    ciphers: [...TLS13_CIPHERS, ...(modern ? [] : TLS12_CIPHERS)].join(':'),
    sigalgs: [...SIGNATURES, ...(modern ? [] : TLS12_SIGNATURES)].join(':'),
    ecdhCurve: groups(),
    honorCipherOrder: false,
  };
}
