import { ClientError } from '../../errors.ts';

export const SASL_MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'] as const;
export type SaslMechanism = (typeof SASL_MECHANISMS)[number];

export interface SaslPasswordOptions {
  readonly mechanism: Exclude<SaslMechanism, 'oauthbearer'>;
  readonly username: string;
  readonly password: string;
}

export interface BearerToken {
  readonly value: string;
  /** Passed on to the brokers (RFC 7628). */
  readonly extensions?: Readonly<Record<string, string>>;
}

export interface SaslTokenOptions {
  readonly mechanism: 'oauthbearer';
  /** Called for every connection; keep the token while it is good. */
  readonly token: () => BearerToken | Promise<BearerToken>;
}

/** Who this client is. `plain` and `oauthbearer` show their secret to the broker: use them with `tls`. */
export type SaslOptions = SaslPasswordOptions | SaslTokenOptions;

/** @throws ClientError BAD_OPTION; it never holds a secret */
export function checkedSasl(options: SaslOptions): SaslOptions {
  const { mechanism } = options;
  if (!SASL_MECHANISMS.includes(mechanism)) {
    throw badOption(`mechanism is "${String(mechanism)}", allowed are ${SASL_MECHANISMS.join(', ')}`);
  }
  if (mechanism === 'oauthbearer') {
    if (typeof options.token !== 'function') throw badOption('token must be a function');
  } else if (typeof options.username !== 'string' || options.username === '') {
    throw badOption('username is empty');
  } else if (typeof options.password !== 'string') {
    throw badOption('password must be a string');
  }
  return options;
}

function badOption(message: string): ClientError {
  return new ClientError('BAD_OPTION', `sasl: ${message}`);
}
