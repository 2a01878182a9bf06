import {
  CoordinationError,
  type NodeContents,
  type Stat,
  type WriteOperation,
  type WriteResult,
} from '@odradek/core/ports/coordination.ts';
import type { AccessEntry } from './access-control.ts';
import { type JuteReader, ZookeeperProtocolError } from './jute-reader.ts';
import type { JuteWriter } from './jute-writer.ts';
import { readStat } from './messages.ts';
import type { PersistentWatchMode } from './persistent-watches.ts';
import {
  ADD_WATCH_MODES,
  CREATE_FLAGS,
  coordinationCode,
  OpCode,
  ServerError,
  WATCHER_TYPE_ANY,
} from './wire-constants.ts';

/** A request of a caller, and how its answer is read. */
export interface Request<Answer> {
  readonly opCode: number;
  /** For errors. */
  readonly path: string;
  /** Whether it changes the tree or the session. */
  readonly isWrite: boolean;
  /** For errors: set where the request is a write of one operation. */
  readonly operation?: 0;
  write(writer: JuteWriter): void;
  /** @throws CoordinationError when the answer says no, ZookeeperProtocolError when it makes no sense */
  read(reader: JuteReader): Answer;
  /** For an error in the header of the answer. Absent: all are failures. */
  answerFor?(serverError: number): Answer | undefined;
}

/** What stands between a caller's paths and those of the tree. */
export interface TreeView {
  /** The path as the server knows it. */
  toServer(path: string): string;
  fromServer(path: string): string;
  accessOf(path: string): readonly AccessEntry[];
}

export function getData(view: TreeView, path: string, watch: boolean): Request<NodeContents> {
  return {
    opCode: OpCode.getData,
    isWrite: false,
    path,
    write: (writer) => void writer.text(view.toServer(path)).boolean(watch),
    read: (reader) => ({ data: reader.bytes(), stat: readStat(reader) }),
  };
}

export function exists(view: TreeView, path: string, watch: boolean): Request<Stat | null> {
  return {
    opCode: OpCode.exists,
    isWrite: false,
    path,
    write: (writer) => void writer.text(view.toServer(path)).boolean(watch),
    read: readStat,
    answerFor: (serverError) => (serverError === ServerError.noNode ? null : undefined),
  };
}

export function getChildren(view: TreeView, path: string, watch: boolean): Request<readonly string[]> {
  return {
    opCode: OpCode.getChildren,
    isWrite: false,
    path,
    write: (writer) => void writer.text(view.toServer(path)).boolean(watch),
    read: (reader) => reader.vector(4, () => reader.text()),
  };
}

/** Fails with SYSTEMERROR on a server that is older than 3.6. */
export function addWatch(view: TreeView, path: string, mode: PersistentWatchMode): Request<null> {
  return {
    opCode: OpCode.addWatch,
    // Asked twice it does the same as once.
    isWrite: false,
    path,
    write: (writer) => void writer.text(view.toServer(path)).int(ADD_WATCH_MODES[mode]),
    read: (reader) => {
      reader.int(); // repeats the error that the header has: none
      return null;
    },
    answerFor: (serverError) => {
      if (serverError !== ServerError.unimplemented) return undefined;
      const message = `the server knows no persistent watches, it must be ZooKeeper 3.6 or newer (path ${path})`;
      throw new CoordinationError('SYSTEMERROR', path, { message });
    },
  };
}

/** Takes all watches of the session back from a path. That there are none is no failure: a connection was lost. */
export function removeWatches(view: TreeView, path: string): Request<null> {
  return {
    opCode: OpCode.removeWatches,
    isWrite: false,
    path,
    write: (writer) => void writer.text(view.toServer(path)).int(WATCHER_TYPE_ANY),
    read: () => null,
    answerFor: (serverError) => (serverError === ServerError.noWatcher ? null : undefined),
  };
}

/** Ends once this server has come to where the leader is now. */
export function sync(path: string): Request<void> {
  return {
    opCode: OpCode.sync,
    isWrite: false,
    path,
    write: (writer) => void writer.text(path === '' ? '/' : path),
    read: (reader) => void reader.text(),
  };
}

export function closeSession(): Request<void> {
  return {
    opCode: OpCode.closeSession,
    isWrite: true,
    path: '/',
    write: () => undefined,
    read: () => undefined,
  };
}

/** A write of one operation, or of several as one transaction. */
export function write(
  view: TreeView,
  operations: readonly WriteOperation[],
): Request<readonly WriteResult[]> {
  const [first] = operations;
  if (operations.length > 1 || first!.type === 'check') return multi(view, operations);
  return {
    opCode: opCodeOf(first!),
    path: first!.path,
    isWrite: true,
    operation: 0,
    write: (writer) => writeOperation(writer, view, first!),
    read: (reader) => [readResult(reader, view, opCodeOf(first!))],
  };
}

/** MultiHeader, then the operation, for each; a MultiHeader that is `done` ends the list. */
function multi(view: TreeView, operations: readonly WriteOperation[]): Request<readonly WriteResult[]> {
  return {
    opCode: OpCode.multi,
    isWrite: true,
    path: operations[0]!.path,
    write: (writer) => {
      for (const operation of operations) {
        writer.int(opCodeOf(operation)).boolean(false).int(-1);
        writeOperation(writer, view, operation);
      }
      writer.int(-1).boolean(true).int(-1);
    },
    read: (reader) => readMulti(reader, view, operations),
  };
}

function readMulti(reader: JuteReader, view: TreeView, operations: readonly WriteOperation[]): WriteResult[] {
  const results: WriteResult[] = [];
  const errors: number[] = [];
  for (const operation of operations) {
    const { type, done } = readMultiHeader(reader);
    if (done)
      throw new ZookeeperProtocolError(`a multi of ${operations.length} operations got fewer answers`);
    if (type === OpCode.error) errors.push(reader.int());
    else if (type === opCodeOf(operation)) results.push(readResult(reader, view, type));
    else throw new ZookeeperProtocolError(`a multi got an answer of type ${type} for a ${operation.type}`);
  }
  if (!readMultiHeader(reader).done) {
    throw new ZookeeperProtocolError(`a multi of ${operations.length} operations got more answers`);
  }
  if (errors.length > 0) throw failureOf(operations, errors);
  return results;
}

function readMultiHeader(reader: JuteReader): { type: number; done: boolean } {
  const type = reader.int();
  const done = reader.boolean();
  reader.int(); // for an error its code, which the record has too
  return { type, done };
}

/** Operations before the one that failed have the error 0, those after it runtimeInconsistency. */
function failureOf(operations: readonly WriteOperation[], errors: readonly number[]): CoordinationError {
  const failed = errors.findIndex((error) => error !== ServerError.none);
  const serverError = errors[failed];
  const operation = operations[failed];
  if (errors.length !== operations.length || serverError === undefined || operation === undefined) {
    throw new ZookeeperProtocolError('a multi both failed and went well');
  }
  return serverFailure(serverError, operation.path, failed);
}

/** What an error code in an answer means for the caller. */
export function serverFailure(serverError: number, path: string, operation?: number): CoordinationError {
  const code = coordinationCode(serverError);
  return new CoordinationError(code, path, {
    ...(operation === undefined ? {} : { operation }),
    ...(code === 'SYSTEMERROR' ? { message: `ZooKeeper answered error ${serverError} for ${path}` } : {}),
  });
}

function opCodeOf(operation: WriteOperation): number {
  switch (operation.type) {
    case 'create':
      return OpCode.create2;
    case 'set':
      return OpCode.setData;
    case 'delete':
      return OpCode.delete;
    case 'check':
      return OpCode.check;
  }
}

function writeOperation(writer: JuteWriter, view: TreeView, operation: WriteOperation): void {
  writer.text(view.toServer(operation.path));
  switch (operation.type) {
    case 'create':
      writer.bytes(operation.data);
      writer.vector(view.accessOf(operation.path), ({ permissions, scheme, id }) => {
        writer.int(permissions).text(scheme).text(id);
      });
      writer.int(CREATE_FLAGS[operation.mode]);
      return;
    case 'set':
      writer.bytes(operation.data).int(operation.version);
      return;
    case 'delete':
    case 'check':
      writer.int(operation.version);
  }
}

function readResult(reader: JuteReader, view: TreeView, opCode: number): WriteResult {
  switch (opCode) {
    case OpCode.create2:
      return { path: view.fromServer(reader.text()), stat: readStat(reader) };
    case OpCode.setData:
      return { path: null, stat: readStat(reader) };
    default:
      return { path: null, stat: null };
  }
}
