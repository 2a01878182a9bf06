import { DatabaseSync, type StatementSync } from 'node:sqlite';
import {
  ANY_VERSION,
  type NodeContents,
  type Stat,
  type WriteOperation,
  type WriteResult,
} from '@odradek/core/ports/coordination.ts';
import { checkPath, nameOf, parentOf, ROOT } from '../coordination/tree-path.ts';
import { failed, statOf, TreeWrite, type TreeChange, type TreeNode, type WriteOrigin } from './tree-write.ts';

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
  CREATE TABLE IF NOT EXISTS tree (only_row INTEGER PRIMARY KEY CHECK (only_row = 0), zxid INTEGER NOT NULL);
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
  private readonly updateNode: StatementSync;
  private readonly deleteNode: StatementSync;
  private readonly updateZxid: StatementSync;
  private lastZxid: number;
  private committedZxid: number;
  private inTransaction = false;
  /** What went wrong in the open transaction, which can only be undone since. */
  private failure: unknown = null;

  /**
   * @param location a file, made when missing, or ':memory:'
   * @throws Error when the file is open in another process or is not such a tree
   */
  constructor(location: string, nowMs: number) {
    this.database = openFile(location);
    this.prepareFile(location);
    this.selectNode = this.database.prepare('SELECT * FROM node WHERE path = ?');
    this.selectChildren = this.database.prepare('SELECT path FROM node WHERE parent = ?');
    this.selectOwned = this.database.prepare('SELECT path FROM node WHERE owner = ?');
    this.insertNode = this.database.prepare(
      'INSERT INTO node (path, parent, data, czxid, mzxid, ctime, mtime, version, created_children, child_count, owner) ' +
        'VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    );
    this.updateNode = this.database.prepare(
      'UPDATE node SET data = ?, mzxid = ?, mtime = ?, version = ?, created_children = ?, child_count = ? WHERE path = ?',
    );
    this.deleteNode = this.database.prepare('DELETE FROM node WHERE path = ?');
    this.updateZxid = this.database.prepare('UPDATE tree SET zxid = ?');
    const tree = this.database.prepare('SELECT zxid FROM tree').get() as { zxid: number } | undefined;
    this.lastZxid = tree?.zxid ?? 0;
    this.committedZxid = this.lastZxid;
    this.begin();
    if (tree === undefined) this.createRoot(nowMs);
    this.removeAllEphemerals(nowMs);
    this.commit();
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
      throw cannotOpen(location, cause);
    }
  }

  private createRoot(nowMs: number): void {
    this.database.exec('INSERT INTO tree (only_row, zxid) VALUES (0, 0)');
    this.insertNode.run(ROOT, '', null, 0, 0, nowMs, nowMs, 0, 0, 0, null);
  }

  /** Nobody's session outlives the process. */
  private removeAllEphemerals(nowMs: number): void {
    const owners = this.database.prepare('SELECT DISTINCT owner FROM node WHERE owner IS NOT NULL').all();
    for (const { owner } of owners as { owner: string }[]) this.removeOwnedBy(owner, nowMs);
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
      if (this.failure !== null) throw this.failure;
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
    this.failure = null;
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
  ): { results: WriteResult[]; changes: readonly TreeChange[] } {
    const origin: WriteOrigin = { sessionId, nowMs, zxid: this.lastZxid + 1 };
    const write = new TreeWrite((path) => this.node(path), origin);
    const results = write.applyAll(operations);
    this.takeZxid();
    try {
      write.flush(this.changing);
    } catch (error) {
      // A part of it may be stored by now: nothing since `begin` can be kept.
      this.failure = error;
      throw error;
    }
    return { results, changes: write.changes };
  }

  private readonly changing = {
    insert: (node: TreeNode) => {
      const { path, data, czxid, mzxid, ctimeMs, mtimeMs, version, createdChildren, childCount, owner } =
        node;
      const parent = parentOf(path);
      this.insertNode.run(
        path,
        parent,
        data,
        czxid,
        mzxid,
        ctimeMs,
        mtimeMs,
        version,
        createdChildren,
        childCount,
        owner,
      );
    },
    update: ({ path, data, mzxid, mtimeMs, version, createdChildren, childCount }: TreeNode) => {
      this.updateNode.run(data, mzxid, mtimeMs, version, createdChildren, childCount, path);
    },
    remove: (path: string) => {
      this.deleteNode.run(path);
    },
  };

  /** Removes the ephemeral nodes of a session that has ended. */
  removeOwnedBy(sessionId: string, nowMs: number): readonly TreeChange[] {
    const owned = this.selectOwned.all(sessionId) as { path: string }[];
    const removals = owned.map(({ path }) => ({ type: 'delete', path, version: ANY_VERSION }) as const);
    return this.write(removals, sessionId, nowMs).changes;
  }

  /** @throws CoordinationError NONODE */
  read(path: string): NodeContents {
    checkPath(path, null, false);
    const node = this.node(path);
    if (node === null) throw failed('NONODE', path, null);
    return { data: node.data, stat: statOf(node) };
  }

  stat(path: string): Stat | null {
    checkPath(path, null, false);
    const node = this.node(path);
    return node === null ? null : statOf(node);
  }

  /** @throws CoordinationError NONODE */
  children(path: string): string[] {
    checkPath(path, null, false);
    const children = this.selectChildren.all(path) as { path: string }[];
    if (children.length === 0 && this.node(path) === null) throw failed('NONODE', path, null);
    return children.map((child) => nameOf(child.path));
  }

  private node(path: string): TreeNode | null {
    const row = this.selectNode.get(path) as NodeRow | undefined;
    if (row === undefined) return null;
    const { data } = row;
    return {
      path,
      data: data === null ? null : Buffer.from(data.buffer, data.byteOffset, data.byteLength),
      czxid: row.czxid,
      mzxid: row.mzxid,
      ctimeMs: row.ctime,
      mtimeMs: row.mtime,
      version: row.version,
      createdChildren: row.created_children,
      childCount: row.child_count,
      owner: row.owner,
    };
  }
}

function openFile(location: string): DatabaseSync {
  try {
    return new DatabaseSync(location);
  } catch (cause) {
    throw cannotOpen(location, cause);
  }
}

function cannotOpen(location: string, cause: unknown): Error {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const hint = reason.includes('locked') ? ' (is another broker running on this folder?)' : '';
  return new Error(`cannot open the coordination tree ${location}: ${reason}${hint}`, { cause });
}
