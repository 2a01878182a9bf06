/**
 * The coordination tree as the core sees it: one session with it, with ZooKeeper's data model, meanings and
 * error names (https://zookeeper.apache.org/doc/r3.8.4/zookeeperProgrammers.html). Adapters: ZooKeeper, embedded,
 * simulated; all pass one contract suite.
 *
 * What every adapter guarantees:
 * - Calls of one session take effect in the order they were made, and `done` runs once per call in that order,
 *   never before the call has returned.
 * - A write is durable before its `done` runs without an error. Every write, a group of operations too, is atomic
 *   and gets one transaction id (zxid), larger than all before it, also across restarts.
 * - A watch fires before the session sees the change any other way: before the `done` of a later read that shows
 *   the change, and before the `done` of the own write that made it.
 * - Ephemeral nodes go when their session ends: by `close`, by expiry, or by the death of the process.
 *
 * What may go wrong: after CONNECTIONLOSS a write may have happened or not, and the caller must read to know.
 * After SESSIONEXPIRED the session is dead: all later calls fail so, its watches never fire, its ephemeral nodes
 * are gone or going, and another session may already have taken their place.
 */
export interface Coordination {
  /** Identity of the session, never used before in the life of the tree: the owner of its ephemeral nodes. */
  readonly sessionId: string;

  /**
   * Creates, changes, removes and checks nodes: all of `operations` (one or more), or none.
   * BADARGUMENTS when paths and data together exceed WRITE_SIZE_MAX_BYTES.
   */
  write(operations: readonly WriteOperation[], done: WriteDone): void;

  /** Contents of a node; NONODE when there is none, and then the watch is not set. */
  read(path: string, watch: Watch | null, done: Done<NodeContents>): void;

  /** The state of a node, or null when there is none; a watch is set in both cases and fires on creation too. */
  stat(path: string, watch: Watch | null, done: Done<Stat | null>): void;

  /** Names of the children, in no order; NONODE when there is no such node, and then the watch is not set. */
  children(path: string, watch: Watch | null, done: Done<readonly string[]>): void;

  /** Tells of every later change of the session's state. @returns takes the listener back */
  onSession(listener: (state: SessionState) => void): () => void;

  /** Ends the session and with it its ephemeral nodes. Calls made before it still get their answers. */
  close(done: () => void): void;
}

/** `disconnected` is doubt: the session may live or not. `expired` is final. */
export type SessionState = 'connected' | 'disconnected' | 'expired';

/** Called with the error, or with null and the value. */
export type Done<Value> = (
  ...result: [error: CoordinationError, value: null] | [error: null, value: Value]
) => void;

/** One result per operation, in their order; none after an error. */
export type WriteDone = (error: CoordinationError | null, results: readonly WriteResult[]) => void;

/** Fires once for the first change after it was set; the same function set twice on one path fires once. */
export type Watch = (event: WatchEvent) => void;

export interface WatchEvent {
  /** `children` tells of a child created or deleted; the others of the node itself. */
  readonly type: 'created' | 'deleted' | 'data' | 'children';
  readonly path: string;
}

/** What ZooKeeper takes in one request by default (jute.maxbuffer), less some room for its framing. */
export const WRITE_SIZE_MAX_BYTES = 1_000_000;

/** Any version of the node will do. */
export const ANY_VERSION = -1;

export type CreateMode = 'persistent' | 'ephemeral' | 'persistent-sequential' | 'ephemeral-sequential';

export type WriteOperation =
  | {
      readonly type: 'create';
      /** For a sequential mode the prefix of the name; ten digits are appended. */
      readonly path: string;
      /** Null and empty are not the same. */
      readonly data: Buffer | null;
      readonly mode: CreateMode;
    }
  | {
      readonly type: 'set';
      readonly path: string;
      readonly data: Buffer | null;
      /** BADVERSION unless the node has this data version; ANY_VERSION: no check. */
      readonly version: number;
    }
  | { readonly type: 'delete'; readonly path: string; readonly version: number }
  | { readonly type: 'check'; readonly path: string; readonly version: number };

/** Per operation: the path that was created, or the state after the operation. `delete` and `check` have neither. */
export interface WriteResult {
  /** The full path of the created node, with its number if sequential; null for other operations. */
  readonly path: string | null;
  /** The node after this operation; null for delete and check. */
  readonly stat: Stat | null;
}

export interface NodeContents {
  readonly data: Buffer | null;
  readonly stat: Stat;
}

export interface Stat {
  /** Transaction that created the node. */
  readonly czxid: number;
  /** Transaction that last changed the data. */
  readonly mzxid: number;
  /** Wall-clock milliseconds since 1970 of the creation and of the last change of the data. */
  readonly ctimeMs: number;
  readonly mtimeMs: number;
  /** Changes of the data since the creation. */
  readonly version: number;
  /** Children created and deleted since the creation. */
  readonly cversion: number;
  /** Session that owns the node, or null when it is persistent. */
  readonly ephemeralOwner: string | null;
  readonly childCount: number;
}

/** ZooKeeper's names (KeeperException.Code). */
export type CoordinationErrorCode =
  | 'NONODE'
  | 'NODEEXISTS'
  | 'BADVERSION'
  | 'NOTEMPTY'
  | 'NOCHILDRENFOREPHEMERALS'
  | 'BADARGUMENTS'
  | 'NOAUTH'
  | 'INVALIDACL'
  | 'AUTHFAILED'
  | 'CONNECTIONLOSS'
  | 'SESSIONEXPIRED'
  | 'SYSTEMERROR';

export class CoordinationError extends Error {
  override readonly name = 'CoordinationError';
  readonly code: CoordinationErrorCode;
  readonly path: string;
  /** Which of the operations of a write failed, or null when none in particular did. */
  readonly operation: number | null;

  constructor(
    code: CoordinationErrorCode,
    path: string,
    details: { operation?: number; message?: string; cause?: unknown } = {},
  ) {
    super(
      details.message ?? `${code} for ${path}`,
      details.cause === undefined ? {} : { cause: details.cause },
    );
    this.code = code;
    this.path = path;
    this.operation = details.operation ?? null;
  }
}
