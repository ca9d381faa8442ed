import { Type } from 'typebox';
import { AuthenticateSchema } from './authenticate.ts';
import { CertificatesSchema } from './certificates.ts';
import { ListenSchema } from './listen.ts';
import { ObserveSchema } from './observe.ts';
import { RoutesSchema } from './routes.ts';
import { StateSchema } from './state.ts';
import { UpstreamsSchema } from './upstreams.ts';

/** Every section, in the order in which the documentation tells them. */
export const SECTIONS = {
  listen: ListenSchema,
  state: StateSchema,
  certificates: CertificatesSchema,
  authenticate: AuthenticateSchema,
  upstreams: UpstreamsSchema,
  routes: RoutesSchema,
  observe: ObserveSchema,
} as const;

const anything = Type.Optional(Type.Unknown());

/** The names of the sections without their contents, which are checked one by one. */
export const RootSchema = Type.Object(
  {
    listen: anything,
    state: anything,
    certificates: anything,
    authenticate: anything,
    upstreams: anything,
    routes: anything,
    observe: anything,
  },
  { additionalProperties: false },
);
