import type { CoordinationErrorCode, WatchEvent } from '@odradek/core/ports/coordination.ts';

/** Numbers of ZooKeeper's protocol, with its names (ZooDefs.OpCode). */
export const OpCode = {
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  getChildren: 8,
  sync: 9,
  ping: 11,
  check: 13,
  multi: 14,
  create2: 15,
  removeWatches: 18,
  auth: 100,
  setWatches: 101,
  sasl: 102,
  /** From 3.6 on, as `addWatch`: with persistent watches. */
  setWatches2: 105,
  addWatch: 106,
  closeSession: -11,
  /** In the answer to a multi: an operation that failed, or was not done since another one failed. */
  error: -1,
} as const;

/** Numbers of messages that are not of the sequence of requests. */
export const Xid = { notification: -1, ping: -2, auth: -4, setWatches: -8 } as const;

/** KeeperException.Code, those that an answer may have. */
export const ServerError = {
  none: 0,
  runtimeInconsistency: -2,
  /** An operation that the server is too old for. */
  unimplemented: -6,
  noNode: -101,
  authFailed: -115,
  sessionExpired: -112,
  sessionMoved: -118,
  noWatcher: -121,
  sessionClosedRequiresSaslAuth: -124,
} as const;

const CODES: Readonly<Record<number, CoordinationErrorCode>> = {
  [-8]: 'BADARGUMENTS',
  [-101]: 'NONODE',
  [-102]: 'NOAUTH',
  [-103]: 'BADVERSION',
  [-108]: 'NOCHILDRENFOREPHEMERALS',
  [-110]: 'NODEEXISTS',
  [-111]: 'NOTEMPTY',
  [-112]: 'SESSIONEXPIRED',
  [-114]: 'INVALIDACL',
  [-115]: 'AUTHFAILED',
};

/** What the port calls an error of a server; whatever it has no name for is SYSTEMERROR. */
export function coordinationCode(serverError: number): CoordinationErrorCode {
  return CODES[serverError] ?? 'SYSTEMERROR';
}

/** Watcher.Event.EventType, those that the watches of this client can cause. */
export const EVENT_TYPES: Readonly<Record<number, WatchEvent['type']>> = {
  1: 'created',
  2: 'deleted',
  3: 'data',
  4: 'children',
};

/** ZooDefs.Perms */
export const Permission = { read: 1, write: 2, create: 4, delete: 8, admin: 16, all: 31 } as const;

/** CreateMode as a flag of a create request. */
export const CREATE_FLAGS = {
  persistent: 0,
  ephemeral: 1,
  'persistent-sequential': 2,
  'ephemeral-sequential': 3,
} as const;

/** AddWatchMode as an addWatch request has it. */
export const ADD_WATCH_MODES = { persistent: 0, 'persistent-recursive': 1 } as const;

/** WatcherType of a removeWatches request: every watch of the session on the path. */
export const WATCHER_TYPE_ANY = 3;

/** jute.maxbuffer of a server unless it is told otherwise: the largest request that it takes. */
export const REQUEST_SIZE_MAX_BYTES = 0xfffff;

/**
 * The largest answer that is taken. Servers do not limit theirs: the names of all topics come in one. Room for
 * 100,000 nodes with names of 160 characters.
 */
export const ANSWER_SIZE_MAX_BYTES = 16 * 1024 * 1024;
