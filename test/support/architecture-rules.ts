/** What the files of one place may import from other places of the source tree; a place is a folder or a top-level file. */
export interface PlaceRule {
  /** Places of which values may be imported; the place itself and `lib` and `errors.ts` are always allowed. */
  readonly values: readonly string[];
  /** Places of which types may be imported, beside those in `values`. */
  readonly types: readonly string[];
  /** Printed when an import breaks the rule. */
  readonly reason: string;
}

export const ROOMS = ['listen', 'route', 'authenticate', 'authorize', 'forward'] as const;

/** Cards and configuration: types that every place may name. */
const CARDS = ['exchange.ts', 'config'];
const CELLAR = [
  'state',
  'sessions',
  'accounts',
  'api-keys',
  'second-factors',
  'certificates',
  'limits',
  'streams',
];
const EVERYTHING = [...ROOMS, ...CELLAR, 'config', 'observe', 'sign-in', 'admin', 'exchange.ts'];

const ROOM_REASON =
  'Rooms never import each other and get what they need as arguments: only pipeline.ts walks them and only gateway.ts with house/ furnishes them.';
const CELLAR_REASON =
  'The cellar carries the house: it knows no room, and its folders know each other by type only.';

const room: PlaceRule = { values: [], types: [...CARDS, ...CELLAR], reason: ROOM_REASON };
const cellar: PlaceRule = { values: [], types: [...CARDS, ...CELLAR], reason: CELLAR_REASON };

/** Every place of `src/`: a folder or file without a row here is an error, and so is a row without its place. */
export const PLACES: Readonly<Record<string, PlaceRule>> = {
  lib: {
    values: [],
    types: [],
    reason: 'The tool drawer knows nothing of gateways: lib imports node: and lib only.',
  },
  'errors.ts': { values: [], types: [], reason: 'The error table stands alone.' },
  'exchange.ts': { values: [], types: ['config'], reason: 'The cards are types only.' },
  config: { values: [], types: ['exchange.ts'], reason: 'Configuration is read before anything is built.' },
  listen: room,
  route: room,
  authenticate: room,
  authorize: room,
  forward: room,
  'sign-in': { ...room, reason: 'The internal pages are furnished by gateway.ts like a room.' },
  observe: { ...room, reason: 'Observing reads the record of an exchange and changes nothing.' },
  state: cellar,
  sessions: cellar,
  accounts: cellar,
  'api-keys': cellar,
  'second-factors': cellar,
  certificates: cellar,
  limits: cellar,
  streams: cellar,
  admin: {
    values: [],
    types: [...CARDS, ...CELLAR, 'observe'],
    reason: 'The admin API sees the house through admin/view.ts, which gateway.ts implements.',
  },
  'pipeline.ts': {
    values: [...ROOMS, 'observe'],
    types: EVERYTHING,
    reason: 'The corridor walks the rooms; building them is the business of gateway.ts.',
  },
  house: {
    values: [...EVERYTHING, 'pipeline.ts'],
    types: [],
    reason:
      'The house is furnished here and walked by pipeline.ts, once more for a form that was kept over a sign-in; gateway.ts builds, swaps and drains it.',
  },
  'gateway.ts': {
    values: [...EVERYTHING, 'pipeline.ts', 'house'],
    types: [],
    reason: 'gateway.ts furnishes the house and is started by the command line, never the other way round.',
  },
  cli: {
    values: ['gateway.ts', 'config', 'state', 'sessions', 'accounts', 'certificates', 'observe'],
    types: ['admin', 'exchange.ts'],
    reason: 'Commands build the house through gateway.ts; they never reach into a room.',
  },
  'main.ts': {
    values: ['cli'],
    types: [],
    reason: 'main.ts only turns arguments into one command and its exit code.',
  },
};

/** In which places a package may be imported, and why nowhere else. */
export const PACKAGES: Readonly<
  Record<string, { readonly places: readonly string[]; readonly reason: string }>
> = {
  '@simplewebauthn/server': {
    places: ['second-factors'],
    reason: 'Passkeys are the business of second-factors/; pages pass on what the browser said.',
  },
  ioredis: { places: ['state'], reason: 'state/ is the only place that knows a database.' },
  jose: {
    places: ['authenticate', 'sign-in'],
    reason:
      'Tokens and assertions are signed and verified in authenticate/, those of OpenID providers in sign-in/; everybody else is handed a function.',
  },
  'openid-client': { places: ['sign-in'], reason: 'Only sign-in/ speaks with OpenID providers.' },
  'node-forge': { places: ['certificates'], reason: 'Certificates are made in certificates/ only.' },
  fastify: {
    places: ['sign-in', 'admin'],
    reason: 'Fastify serves our own pages and the admin API; requests to upstreams do not pass through it.',
  },
  '@fastify/swagger': { places: ['admin'], reason: 'Only the admin API describes itself.' },
  pino: { places: ['observe'], reason: 'Everybody else takes a Logger as an argument.' },
  '@prometheus-io/client': {
    places: ['observe'],
    reason: 'Everybody else reports through the record of the exchange.',
  },
  yaml: { places: ['config'], reason: 'Only config/ reads configuration files.' },
  typebox: {
    places: ['config', 'admin'],
    reason: 'Schemas describe what comes in: the configuration and admin requests.',
  },
  commander: { places: ['cli'], reason: 'Only cli/ knows commands and options.' },
  '@node-rs/bcrypt': { places: ['accounts'], reason: 'Password hashes are the business of accounts/.' },
};

/** Words that say nothing about what a file or folder holds. */
export const BANNED_WORDS = [
  'auth',
  'utils',
  'util',
  'helpers',
  'helper',
  'manager',
  'service',
  'handler',
  'misc',
  'common',
  'data',
  'info',
];

export const MAX_LINES = 350;
