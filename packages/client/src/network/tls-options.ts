/** Encryption of the connections to brokers, whose certificates are always checked against their names. PEM throughout. */
export interface TlsOptions {
  /** Who may have signed the brokers' certificates. Default: the authorities that Node comes with. */
  readonly ca?: string | Buffer | readonly (string | Buffer)[];
  /** This client's certificate and those between it and its authority, where brokers ask for one. */
  readonly cert?: string | Buffer;
  /** The private key of `cert`. */
  readonly key?: string | Buffer;
  readonly passphrase?: string;
  /** The name to ask for and to check certificates against. Default: the host connected to. */
  readonly servername?: string;
}
