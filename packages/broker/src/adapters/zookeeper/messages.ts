import type { Stat, WatchEvent } from '@odradek/core/ports/coordination.ts';
import { JuteReader, ZookeeperProtocolError } from './jute-reader.ts';
import { JuteWriter } from './jute-writer.ts';
import { EVENT_TYPES, OpCode, Xid } from './wire-constants.ts';

/**
 * The messages of a connection that belong to no request of a caller: the handshake, pings, authentication, watches.
 * Records and their fields as ZooKeeper defines them (zookeeper.jute).
 */

/** What a session is proven by when its client connects again. */
export interface SessionCredentials {
  readonly sessionId: bigint;
  readonly password: Buffer;
}

export interface ConnectRequest {
  /** A server that has not come so far yet refuses the connection. */
  readonly lastZxid: number;
  readonly sessionTimeoutMs: number;
  /** Null asks for a new session. */
  readonly credentials: SessionCredentials | null;
}

export interface ConnectResponse {
  /** As the server has decided; 0 or less: the session is over. */
  readonly sessionTimeoutMs: number;
  readonly credentials: SessionCredentials;
  /** The server has lost its ensemble and only serves reads of what may be old. */
  readonly isReadOnly: boolean;
}

const PROTOCOL_VERSION = 0;
const PASSWORD_BYTES = 16;

export function connectFrame({ lastZxid, sessionTimeoutMs, credentials }: ConnectRequest): Buffer {
  return new JuteWriter()
    .int(PROTOCOL_VERSION)
    .long(BigInt(lastZxid))
    .int(sessionTimeoutMs)
    .long(credentials?.sessionId ?? 0n)
    .bytes(credentials?.password ?? Buffer.alloc(PASSWORD_BYTES))
    .boolean(false) // a server that is cut off from its ensemble will not do
    .frame();
}

/** What follows the known fields is left to newer servers. @throws ZookeeperProtocolError */
export function readConnectResponse(frame: Buffer): ConnectResponse {
  const reader = new JuteReader(frame);
  const protocolVersion = reader.int();
  if (protocolVersion !== PROTOCOL_VERSION) {
    throw new ZookeeperProtocolError(
      `the server speaks version ${protocolVersion} of ZooKeeper's protocol, expected is ${PROTOCOL_VERSION}`,
    );
  }
  const sessionTimeoutMs = reader.int();
  const sessionId = reader.long();
  const password = reader.bytes() ?? Buffer.alloc(0);
  const isReadOnly = reader.left > 0 && reader.boolean();
  return { sessionTimeoutMs, credentials: { sessionId, password }, isReadOnly };
}

/** @param write the record of the request, if it has one */
export function requestFrame(xid: number, opCode: number, write: (writer: JuteWriter) => void): Buffer {
  const writer = new JuteWriter().int(xid).int(opCode);
  write(writer);
  return writer.frame();
}

export const pingFrame: Buffer = requestFrame(Xid.ping, OpCode.ping, () => undefined);

export function authFrame(scheme: string, secret: Buffer): Buffer {
  return requestFrame(Xid.auth, OpCode.auth, (writer) => writer.int(0).text(scheme).bytes(secret));
}

/** Paths by what was watched there; see WatchKind and PersistentWatchMode. */
export interface WatchedPaths {
  readonly node: readonly string[];
  readonly absentNode: readonly string[];
  readonly children: readonly string[];
  readonly persistent: readonly string[];
  readonly recursive: readonly string[];
}

/**
 * Persistent watches need the newer request, which servers before 3.6 do not know.
 * @param lastZxid what has changed since fires the one-shot watches at once, but not the persistent ones
 */
export function setWatchesFrame(lastZxid: number, paths: WatchedPaths): Buffer {
  const { node, absentNode, children, persistent, recursive } = paths;
  const needsNewer = persistent.length + recursive.length > 0;
  return requestFrame(Xid.setWatches, needsNewer ? OpCode.setWatches2 : OpCode.setWatches, (writer) => {
    const text = (path: string) => writer.text(path);
    writer.long(BigInt(lastZxid)).vector(node, text).vector(absentNode, text).vector(children, text);
    if (needsNewer) writer.vector(persistent, text).vector(recursive, text);
  });
}

export interface ReplyHeader {
  readonly xid: number;
  readonly zxid: number;
  readonly error: number;
}

export function readReplyHeader(reader: JuteReader): ReplyHeader {
  return { xid: reader.int(), zxid: reader.number(), error: reader.int() };
}

/** The change that a notification tells of, or null for one about the connection itself. */
export function readNotification(reader: JuteReader): WatchEvent | null {
  const type = reader.int();
  reader.int(); // the state of the session: it is connected, or this would not have come
  const path = reader.text();
  reader.end();
  const known = EVENT_TYPES[type];
  if (known !== undefined) return { type: known, path };
  if (type === -1) return null;
  throw new ZookeeperProtocolError(`a notification has the unknown type ${type} (path ${path})`);
}

const NO_SESSION = 0n;
/** Owner of a container node, which is no session. */
const CONTAINER = -(2n ** 63n);

export function readStat(reader: JuteReader): Stat {
  const czxid = reader.number();
  const mzxid = reader.number();
  const ctimeMs = reader.number();
  const mtimeMs = reader.number();
  const version = reader.int();
  const cversion = reader.int();
  reader.int(); // aversion
  const owner = reader.long();
  reader.int(); // dataLength
  const childCount = reader.int();
  reader.long(); // pzxid
  const ephemeralOwner = owner === NO_SESSION || owner === CONTAINER ? null : sessionName(owner);
  return { czxid, mzxid, ctimeMs, mtimeMs, version, cversion, ephemeralOwner, childCount };
}

/** A session's id as the port and ZooKeeper's own tools show it, without 0x. */
export function sessionName(sessionId: bigint): string {
  return BigInt.asUintN(64, sessionId).toString(16);
}
