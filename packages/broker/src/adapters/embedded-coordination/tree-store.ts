import { DatabaseSync, type StatementSync } from 'node:sqlite';
import {
  ANY_VERSION,
  CoordinationError,
  WRITE_SIZE_MAX_BYTES,
  type NodeContents,
  type Stat,
  type WriteOperation,
  type WriteResult,
} from '@odradek/core/ports/coordination.ts';
import { checkPath, nameOf, parentOf, ROOT } from './tree-path.ts';

/** A node that a write created, changed or removed; what watches are told of. */
export interface TreeChange {
  readonly type: 'created' | 'deleted' | 'data';
  readonly path: string;
}

interface NodeRow {
  readonly path: string;
  readonly data: Uint8Array | null;
  readonly czxid: number;
  readonly mzxid: number;
  readonly ctime: number;
  readonly mtime: number;
  readonly version: number;
  readonly created_children: number;
  readonly child_count: number;
  readonly owner: string | null;
}

const FORMAT_VERSION = 1;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS node (
    path TEXT PRIMARY KEY,
    parent TEXT NOT NULL,
    data BLOB,
    czxid INTEGER NOT NULL,
    mzxid INTEGER NOT NULL,
    ctime INTEGER NOT NULL,
    mtime INTEGER NOT NULL,
    version INTEGER NOT NULL,
    created_children INTEGER NOT NULL,
    child_count INTEGER NOT NULL,
    owner TEXT
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS node_by_parent ON node (parent);
  CREATE INDEX IF NOT EXISTS node_by_owner ON node (owner) WHERE owner IS NOT NULL;
  CREATE TABLE IF NOT EXISTS tree (only_row INTEGER PRIMARY KEY CHECK (only_row = 0), zxid INTEGER NOT NULL) STRICT;
`;

/**
 * The nodes, in one SQLite file (or in memory), changed in transactions that the caller begins and commits.
 *
 * Fault model: the process may die at any moment, and the machine may lose power. The write-ahead log of SQLite
 * is synced at every commit, so what was committed is there after either, and what was not is gone as a whole.
 * A failing disk shows as an exception from `commit` and leaves the tree as it was before `begin`.
 */
export class TreeStore {
  private readonly database: DatabaseSync;
  private readonly selectNode: StatementSync;
  private readonly selectChildren: StatementSync;
  private readonly selectOwned: StatementSync;
  private readonly insertNode: StatementSync;
  private readonly updateData: StatementSync;
  private readonly updateChildren: StatementSync;
  private readonly deleteNode: StatementSync;
  private readonly updateZxid: StatementSync;
  private lastZxid: number;
  private committedZxid: number;
  private inTransaction = false;

  /**
   * @param location a file, made when missing, or ':memory:'
   * @throws Error when the file is open in another process or is not such a tree
   */
  constructor(location: string, nowMs: number) {
    this.database = new DatabaseSync(location);
    this.prepareFile(location);
    this.selectNode = this.database.prepare('SELECT * FROM node WHERE path = ?');
    this.selectChildren = this.database.prepare('SELECT path FROM node WHERE parent = ?');
    this.selectOwned = this.database.prepare('SELECT path FROM node WHERE owner = ?');
    this.insertNode = this.database.prepare(
      'INSERT INTO node (path, parent, data, czxid, mzxid, ctime, mtime, version, created_children, child_count, owner) ' +
        'VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, 0, ?)',
    );
    this.updateData = this.database.prepare(
      'UPDATE node SET data = ?, mzxid = ?, mtime = ?, version = version + 1 WHERE path = ?',
    );
    this.updateChildren = this.database.prepare(
      'UPDATE node SET created_children = created_children + ?, child_count = child_count + ? WHERE path = ?',
    );
    this.deleteNode = this.database.prepare('DELETE FROM node WHERE path = ?');
    this.updateZxid = this.database.prepare('UPDATE tree SET zxid = ?');
    const tree = this.database.prepare('SELECT zxid FROM tree').get() as { zxid: number } | undefined;
    this.lastZxid = tree?.zxid ?? 0;
    this.committedZxid = this.lastZxid;
    this.begin();
    if (tree === undefined) this.createRoot(nowMs);
    this.removeAllEphemerals();
    this.commit();
  }

  /** Transaction id of the last write. */
  get zxid(): number {
    return this.lastZxid;
  }

  private prepareFile(location: string): void {
    try {
      // No other process may share the file: watches and sessions live in this one.
      this.database.exec(
        'PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;',
      );
      const { user_version: found } = this.database.prepare('PRAGMA user_version').get() as {
        user_version: number;
      };
      if (found > FORMAT_VERSION)
        throw new Error(`its format version is ${found}, and this release reads up to ${FORMAT_VERSION}`);
      this.database.exec(`BEGIN IMMEDIATE; ${SCHEMA} PRAGMA user_version = ${FORMAT_VERSION}; COMMIT;`);
    } catch (cause) {
      this.database.close();
      const reason = cause instanceof Error ? cause.message : String(cause);
      const hint = /locked/.test(reason) ? ' (is another broker running on this folder?)' : '';
      throw new Error(`cannot open the coordination tree ${location}: ${reason}${hint}`, { cause });
    }
  }

  private createRoot(nowMs: number): void {
    this.database.exec('INSERT INTO tree (only_row, zxid) VALUES (0, 0)');
    this.insertNode.run(ROOT, '', null, 0, 0, nowMs, nowMs, null);
  }

  /** Nobody's session outlives the process. */
  private removeAllEphemerals(): void {
    const owned = this.database.prepare('SELECT path FROM node WHERE owner IS NOT NULL').all();
    if (owned.length === 0) return;
    this.takeZxid();
    for (const { path } of owned as { path: string }[]) this.removeNode(path);
  }

  begin(): void {
    if (this.inTransaction) return;
    this.database.exec('BEGIN');
    this.inTransaction = true;
  }

  /** Makes all writes since `begin` durable. @throws Error when it cannot; they are undone then */
  commit(): void {
    if (!this.inTransaction) return;
    try {
      if (this.lastZxid !== this.committedZxid) this.updateZxid.run(this.lastZxid);
      this.database.exec('COMMIT');
      this.committedZxid = this.lastZxid;
      this.inTransaction = false;
    } catch (error) {
      this.rollback();
      throw error;
    }
  }

  /** Undoes all writes since `begin`. */
  rollback(): void {
    this.lastZxid = this.committedZxid;
    // SQLite may have ended the transaction itself, on a full disk for instance.
    if (this.database.isTransaction) this.database.exec('ROLLBACK');
    this.inTransaction = false;
  }

  close(): void {
    this.database.close();
  }

  /** A transaction id for something that changes no node: the opening of a session. */
  takeZxid(): number {
    this.lastZxid += 1;
    return this.lastZxid;
  }

  /**
   * Applies all of the operations or none.
   * @throws CoordinationError naming the operation that failed
   */
  write(
    operations: readonly WriteOperation[],
    sessionId: string,
    nowMs: number,
  ): { results: WriteResult[]; changes: TreeChange[] } {
    checkSize(operations);
    const savepoint = operations.length > 1;
    if (savepoint) this.database.exec('SAVEPOINT multi');
    const zxidBefore = this.lastZxid;
    const zxid = this.takeZxid();
    const changes: TreeChange[] = [];
    const results: WriteResult[] = [];
    try {
      for (const [index, operation] of operations.entries()) {
        results.push(this.apply(operation, index, { sessionId, nowMs, zxid, changes }));
      }
    } catch (error) {
      this.lastZxid = zxidBefore;
      if (savepoint) this.database.exec('ROLLBACK TO multi; RELEASE multi');
      throw error;
    }
    if (savepoint) this.database.exec('RELEASE multi');
    return { results, changes };
  }

  private apply(
    operation: WriteOperation,
    index: number,
    write: { sessionId: string; nowMs: number; zxid: number; changes: TreeChange[] },
  ): WriteResult {
    checkPath(operation.path, index, operation.type === 'create' && operation.mode.endsWith('-sequential'));
    switch (operation.type) {
      case 'create': {
        const parent = this.nodeOrFail(parentOf(operation.path), index);
        const sequential = operation.mode.endsWith('-sequential');
        const path = sequential
          ? operation.path + String(parent.created_children).padStart(10, '0')
          : operation.path;
        if (this.node(path) !== undefined) throw failed('NODEEXISTS', path, index);
        if (parent.owner !== null) throw failed('NOCHILDRENFOREPHEMERALS', path, index);
        const owner = operation.mode.startsWith('ephemeral') ? write.sessionId : null;
        const { zxid, nowMs } = write;
        this.insertNode.run(path, parent.path, operation.data, zxid, zxid, nowMs, nowMs, owner);
        this.updateChildren.run(1, 1, parent.path);
        write.changes.push({ type: 'created', path });
        return { path, stat: statOf(this.nodeOrFail(path, index)) };
      }
      case 'set': {
        const node = this.nodeOrFail(operation.path, index);
        checkVersion(node, operation.version, index);
        this.updateData.run(operation.data, write.zxid, write.nowMs, operation.path);
        write.changes.push({ type: 'data', path: operation.path });
        return { path: null, stat: statOf(this.nodeOrFail(operation.path, index)) };
      }
      case 'delete': {
        if (operation.path === ROOT) throw failed('BADARGUMENTS', ROOT, index);
        const node = this.nodeOrFail(operation.path, index);
        checkVersion(node, operation.version, index);
        if (node.child_count > 0) throw failed('NOTEMPTY', operation.path, index);
        this.removeNode(operation.path);
        write.changes.push({ type: 'deleted', path: operation.path });
        return { path: null, stat: null };
      }
      case 'check': {
        checkVersion(this.nodeOrFail(operation.path, index), operation.version, index);
        return { path: null, stat: null };
      }
    }
  }

  /** Removes the ephemeral nodes of a session that has ended. */
  removeOwnedBy(sessionId: string): TreeChange[] {
    const owned = this.selectOwned.all(sessionId) as { path: string }[];
    this.takeZxid();
    for (const { path } of owned) this.removeNode(path);
    return owned.map(({ path }) => ({ type: 'deleted', path }));
  }

  /** @throws CoordinationError NONODE */
  read(path: string): NodeContents {
    checkPath(path, null, false);
    const node = this.nodeOrFail(path, null);
    return { data: bufferOf(node.data), stat: statOf(node) };
  }

  stat(path: string): Stat | null {
    checkPath(path, null, false);
    const node = this.node(path);
    return node === undefined ? null : statOf(node);
  }

  /** @throws CoordinationError NONODE */
  children(path: string): string[] {
    checkPath(path, null, false);
    this.nodeOrFail(path, null);
    return (this.selectChildren.all(path) as { path: string }[]).map((child) => nameOf(child.path));
  }

  private removeNode(path: string): void {
    this.deleteNode.run(path);
    this.updateChildren.run(0, -1, parentOf(path));
  }

  private node(path: string): NodeRow | undefined {
    return this.selectNode.get(path) as NodeRow | undefined;
  }

  private nodeOrFail(path: string, operation: number | null): NodeRow {
    const node = this.node(path);
    if (node === undefined) throw failed('NONODE', path, operation);
    return node;
  }
}

function failed(code: CoordinationError['code'], path: string, operation: number | null): CoordinationError {
  return new CoordinationError(code, path, operation === null ? {} : { operation });
}

function checkVersion(node: NodeRow, version: number, operation: number): void {
  if (version !== ANY_VERSION && version !== node.version) throw failed('BADVERSION', node.path, operation);
}

function checkSize(operations: readonly WriteOperation[]): void {
  let sizeBytes = 0;
  for (const operation of operations) {
    sizeBytes += operation.path.length;
    if (operation.type === 'create' || operation.type === 'set') sizeBytes += operation.data?.length ?? 0;
  }
  if (sizeBytes <= WRITE_SIZE_MAX_BYTES) return;
  throw new CoordinationError('BADARGUMENTS', operations[0]!.path, {
    message: `a write of ${sizeBytes} bytes is larger than the allowed ${WRITE_SIZE_MAX_BYTES}`,
  });
}

function bufferOf(data: Uint8Array | null): Buffer | null {
  return data === null ? null : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

function statOf(node: NodeRow): Stat {
  return {
    czxid: node.czxid,
    mzxid: node.mzxid,
    ctimeMs: node.ctime,
    mtimeMs: node.mtime,
    version: node.version,
    // Every child was created once, and those that are not there any more were deleted once.
    cversion: 2 * node.created_children - node.child_count,
    ephemeralOwner: node.owner,
    childCount: node.child_count,
  };
}
