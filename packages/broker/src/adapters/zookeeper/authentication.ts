import type { Random } from '@odradek/core/ports/random.ts';
import { JuteReader, ZookeeperProtocolError } from './jute-reader.ts';
import { authFrame, requestFrame, type ReplyHeader } from './messages.ts';
import { answerChallenge, type SaslCredentials } from './sasl-digest-md5.ts';
import { OpCode, ServerError, Xid } from './wire-constants.ts';
import type { ZookeeperConnection } from './zookeeper-connection.ts';

/** Who a client says it is. */
export interface Identity {
  /** As ZooKeeper's `addauth digest user:password`. */
  readonly digest?: SaslCredentials;
  /** SASL with DIGEST-MD5; the server must have a JAAS section that knows the user. */
  readonly sasl?: SaslCredentials;
}

type Done = (refusal: string | null) => void;

/** Says on a new connection who we are, by all means that were given. @param done gets what a server has against it */
export function authenticate(
  connection: ZookeeperConnection,
  identity: Identity,
  random: Random,
  done: Done,
): void {
  sendSasl(connection, identity.sasl, random, (refusal) => {
    if (refusal !== null) return done(refusal);
    sendDigest(connection, identity.digest, done);
  });
}

function sendDigest(connection: ZookeeperConnection, digest: SaslCredentials | undefined, done: Done): void {
  if (digest === undefined) return done(null);
  const secret = Buffer.from(`${digest.user}:${digest.password}`);
  connection.sendSpecial(Xid.auth, authFrame('digest', secret), (header) => {
    done(header.error === ServerError.none ? null : 'the server does not take a digest');
  });
}

/** An empty token asks for the challenge; its answer gets a proof that the server knows the password, too. */
function sendSasl(
  connection: ZookeeperConnection,
  sasl: SaslCredentials | undefined,
  random: Random,
  done: Done,
): void {
  if (sasl === undefined) return done(null);
  const refusal = `the server does not accept the SASL user ${sasl.user} or its password`;
  sendToken(connection, Buffer.alloc(0), (header, challenge) => {
    if (header.error !== ServerError.none) return done(refusal);
    if (challenge === null) return done('the server does not offer SASL');
    const clientNonce = random.uuidBytes().toString('base64url');
    const { token, expected } = answerChallenge(challenge, sasl, clientNonce);
    sendToken(connection, token, (verdict, proof) => {
      if (verdict.error !== ServerError.none) return done(refusal);
      // A server that lets failed clients in anyway answers without a proof.
      done(proof?.toString('utf8') === expected ? null : refusal);
    });
  });
}

function sendToken(
  connection: ZookeeperConnection,
  token: Buffer,
  done: (header: ReplyHeader, token: Buffer | null) => void,
): void {
  const frame = requestFrame(0, OpCode.sasl, (writer) => writer.bytes(token));
  connection.send(frame, (header, reader) => done(header, readToken(header, reader)));
}

function readToken(header: ReplyHeader, reader: JuteReader): Buffer | null {
  if (header.error !== ServerError.none) return null;
  const token = reader.bytes();
  if (reader.left > 0) throw new ZookeeperProtocolError('a SASL token is followed by something else');
  return token;
}
