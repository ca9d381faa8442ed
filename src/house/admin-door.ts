import { join } from 'node:path';
import type { SecureContext, TLSSocket } from 'node:tls';
import { type Admin, type AdminTls, makeAdmin } from '../admin/admin.ts';
import { loadAdminToken } from '../admin/admin-token.ts';
import type { GatewayView } from '../admin/view.ts';
import { loadOrMakeDevCa } from '../certificates/dev-ca.ts';
import { loadOrMakeDevLeaf } from '../certificates/dev-leaf.ts';
import type { Config } from '../config/config.ts';
import type { Environment } from '../config/load.ts';
import type { CertificateCellar } from './certificates.ts';
import type { Foundation } from './foundation.ts';

type SniAnswer = (error: Error | null, context?: SecureContext) => void;

/** How often the dev certificate of the admin endpoint is looked at; it is made anew a month before its end. */
const RENEWAL_MS = 12 * 3600_000;

/** The open admin endpoint. */
export interface AdminDoor {
  readonly url: string;
  close(): Promise<void>;
}

/** Opens the admin API: over the dev CA's certificate, or the named one for clients that send a name. */
export async function openAdmin(
  config: Config,
  foundation: Foundation,
  view: GatewayView,
  setting: { readonly env: Environment; readonly cellar: () => CertificateCellar },
): Promise<AdminDoor> {
  const { dataFolder, logger } = foundation;
  const token = await loadAdminToken({
    env: setting.env.SALLYPORT_ADMIN_TOKEN,
    file: join(dataFolder, 'admin-token'),
  });
  const { admin: endpoint, adminHosts: hosts } = config.listen;
  const admin: Admin = makeAdmin({ view, token, hosts, logger });
  const makeTls = (): Promise<AdminTls> => adminTls(config, foundation, setting.cellar);
  const url = await admin.listen(endpoint, endpoint.kind === 'unix' ? undefined : await makeTls());
  const renewal = setInterval(() => {
    makeTls().then(
      (tls) => admin.setTls(tls),
      (error: unknown) =>
        logger.error({ err: error }, 'the certificate of the admin endpoint could not be renewed'),
    );
  }, RENEWAL_MS).unref();
  return {
    url,
    async close() {
      clearInterval(renewal);
      await admin.close();
    },
  };
}

async function adminTls(
  config: Config,
  { dataFolder, clock }: Foundation,
  cellar: () => CertificateCellar,
): Promise<AdminTls> {
  const ca = await loadOrMakeDevCa(dataFolder, clock);
  const names = ['localhost', '127.0.0.1', '::1', ...config.listen.adminHosts];
  const leaf = await loadOrMakeDevLeaf({ folder: dataFolder, name: 'admin', names, keyType: 'ecdsa' }, ca);
  const { adminCertificate } = config.listen;
  return {
    cert: leaf.certificate,
    key: leaf.key.reveal(),
    ...(adminCertificate === undefined
      ? {}
      : {
          SNICallback(this: TLSSocket, _name: string, done: SniAnswer) {
            try {
              done(null, cellar().keeper.byName(adminCertificate)?.contextFor(this));
            } catch {
              done(null, undefined);
            }
          },
        }),
  };
}
