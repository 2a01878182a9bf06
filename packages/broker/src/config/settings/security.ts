import { atLeast } from '../setting-check.ts';
import { className, int, long, notSupported, password, string, withoutEffect } from '../setting.ts';
import { JAVA_CLASS, NO_SASL, NO_SECRETS, NO_TOKENS, SECURITY_JAVA } from './reasons.ts';

/** Authorization, identities, secrets. */
export const securitySettings = {
  'authorizer.class.name': string({
    default: '',
    importance: 'low',
    status: notSupported(
      'no access control is served yet, and a broker that ignored it would let everybody in',
      'stop',
    ),
    about: 'Class that decides who may do what.',
  }),
  'principal.builder.class': className({
    default: 'org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder',
    update: 'per-broker',
    status: notSupported(JAVA_CLASS, 'stop'),
    about: 'Class that derives who a client is.',
  }),
  'security.providers': string({
    default: null,
    importance: 'low',
    status: withoutEffect(SECURITY_JAVA),
    about: 'Java security providers.',
  }),
  'connections.max.reauth.ms': long({
    default: 0,
    unit: 'ms',
    status: withoutEffect(NO_SASL),
    about: 'Time after which a client must authenticate again.',
  }),
  'password.encoder.secret': password({
    default: null,
    status: withoutEffect(NO_SECRETS),
    about: 'Secret that passwords among dynamic settings are encrypted with.',
  }),
  'password.encoder.old.secret': password({
    default: null,
    status: withoutEffect(NO_SECRETS),
    about: 'Secret of before, while it is being replaced.',
  }),
  'password.encoder.keyfactory.algorithm': string({
    default: null,
    importance: 'low',
    status: withoutEffect(NO_SECRETS),
    about: 'Algorithm that derives the key.',
  }),
  'password.encoder.cipher.algorithm': string({
    default: 'AES/CBC/PKCS5Padding',
    importance: 'low',
    status: withoutEffect(NO_SECRETS),
    about: 'Cipher for the passwords.',
  }),
  'password.encoder.key.length': int({
    default: 128,
    check: atLeast(8),
    importance: 'low',
    status: withoutEffect(NO_SECRETS),
    about: 'Length of the key in bits.',
  }),
  'password.encoder.iterations': int({
    default: 4096,
    check: atLeast(1024),
    importance: 'low',
    status: withoutEffect(NO_SECRETS),
    about: 'Iterations that derive the key.',
  }),
  'delegation.token.master.key': password({
    default: null,
    status: notSupported(NO_TOKENS, 'stop'),
    about: 'Former name of delegation.token.secret.key.',
  }),
  'delegation.token.secret.key': password({
    default: null,
    status: notSupported(NO_TOKENS, 'stop'),
    about: 'Secret that delegation tokens are signed with.',
  }),
  'delegation.token.max.lifetime.ms': long({
    default: 604_800_000,
    check: atLeast(1),
    unit: 'ms',
    status: withoutEffect(NO_TOKENS),
    about: 'Longest life of a delegation token.',
  }),
  'delegation.token.expiry.time.ms': long({
    default: 86_400_000,
    check: atLeast(1),
    unit: 'ms',
    status: withoutEffect(NO_TOKENS),
    about: 'Life of a delegation token between renewals.',
  }),
  'delegation.token.expiry.check.interval.ms': long({
    default: 3_600_000,
    check: atLeast(1),
    unit: 'ms',
    importance: 'low',
    status: withoutEffect(NO_TOKENS),
    about: 'How often expired delegation tokens are looked for.',
  }),
};
