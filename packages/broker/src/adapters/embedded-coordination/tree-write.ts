import {
  ANY_VERSION,
  CoordinationError,
  WRITE_SIZE_MAX_BYTES,
  type CoordinationErrorCode,
  type Stat,
  type WriteOperation,
  type WriteResult,
} from '@odradek/core/ports/coordination.ts';
import { checkPath, parentOf, ROOT } from '../coordination/tree-path.ts';

/** A node as it is stored. */
export interface TreeNode {
  readonly path: string;
  data: Buffer | null;
  readonly czxid: number;
  mzxid: number;
  readonly ctimeMs: number;
  mtimeMs: number;
  version: number;
  /** Children ever created: the next number of a sequential one. */
  createdChildren: number;
  childCount: number;
  readonly owner: string | null;
}

/** A node that a write created, changed or removed; what watches are told of. */
export interface TreeChange {
  readonly type: 'created' | 'deleted' | 'data';
  readonly path: string;
}

/** What a write makes of one node; null: it is gone. */
interface Touched {
  node: TreeNode | null;
  readonly wasStored: boolean;
}

/** Who writes, and when. */
export interface WriteOrigin {
  readonly sessionId: string;
  readonly nowMs: number;
  readonly zxid: number;
}

/**
 * One transaction on the tree, worked out beside it: each operation sees those before it, and nothing is stored
 * before all of them have gone well. A failed one is simply thrown away.
 */
export class TreeWrite {
  readonly changes: TreeChange[] = [];
  private readonly touched = new Map<string, Touched>();
  private readonly load: (path: string) => TreeNode | null;
  private readonly origin: WriteOrigin;

  /** @param load reads a stored node; the write may change what it gets */
  constructor(load: (path: string) => TreeNode | null, origin: WriteOrigin) {
    this.load = load;
    this.origin = origin;
  }

  /** @throws CoordinationError naming the operation that failed */
  applyAll(operations: readonly WriteOperation[]): WriteResult[] {
    checkSize(operations);
    return operations.map((operation, index) => this.apply(operation, index));
  }

  /** Gives what has to be stored to the one of the three that it is a case for. */
  flush(into: {
    insert(node: TreeNode): void;
    update(node: TreeNode): void;
    remove(path: string): void;
  }): void {
    for (const [path, { node, wasStored }] of this.touched) {
      // One that was deleted and made again is another node: no part of the old one stays.
      const isNew = node !== null && node.czxid === this.origin.zxid;
      if (wasStored && (node === null || isNew)) into.remove(path);
      if (isNew) into.insert(node);
      else if (node !== null) into.update(node);
    }
  }

  private apply(operation: WriteOperation, index: number): WriteResult {
    const { path } = operation;
    checkPath(path, index, operation.type === 'create' && operation.mode.endsWith('-sequential'));
    switch (operation.type) {
      case 'create':
        return this.create(operation, index);
      case 'set': {
        const node = this.existing(path, index);
        checkVersion(node, operation.version, index);
        node.data = operation.data;
        node.version += 1;
        node.mzxid = this.origin.zxid;
        node.mtimeMs = this.origin.nowMs;
        this.changes.push({ type: 'data', path });
        return { path: null, stat: statOf(node) };
      }
      case 'delete': {
        if (path === ROOT) throw failed('BADARGUMENTS', ROOT, index);
        const node = this.existing(path, index);
        checkVersion(node, operation.version, index);
        if (node.childCount > 0) throw failed('NOTEMPTY', path, index);
        this.touched.get(path)!.node = null;
        this.existing(parentOf(path), index).childCount -= 1;
        this.changes.push({ type: 'deleted', path });
        return { path: null, stat: null };
      }
      case 'check':
        checkVersion(this.existing(path, index), operation.version, index);
        return { path: null, stat: null };
    }
  }

  private create(operation: WriteOperation & { type: 'create' }, index: number): WriteResult {
    const { mode, data } = operation;
    const parent = this.existing(parentOf(operation.path), index);
    const number = mode.endsWith('-sequential') ? String(parent.createdChildren).padStart(10, '0') : '';
    const path = operation.path + number;
    if (this.find(path, parent) !== null || path === ROOT) throw failed('NODEEXISTS', path, index);
    if (parent.owner !== null) throw failed('NOCHILDRENFOREPHEMERALS', path, index);
    const { zxid, nowMs, sessionId } = this.origin;
    const node: TreeNode = {
      path,
      data,
      czxid: zxid,
      mzxid: zxid,
      ctimeMs: nowMs,
      mtimeMs: nowMs,
      version: 0,
      createdChildren: 0,
      childCount: 0,
      owner: mode.startsWith('ephemeral') ? sessionId : null,
    };
    const before = this.touched.get(path);
    this.touched.set(path, { node, wasStored: before?.wasStored ?? false });
    parent.createdChildren += 1;
    parent.childCount += 1;
    this.changes.push({ type: 'created', path });
    return { path, stat: statOf(node) };
  }

  /** Below a node that this write created there can only be what it created, too. */
  private find(path: string, parent: TreeNode): TreeNode | null {
    const parentIsNew = this.touched.get(parent.path)?.wasStored === false;
    return parentIsNew ? (this.touched.get(path)?.node ?? null) : this.node(path);
  }

  private existing(path: string, operation: number): TreeNode {
    const node = this.node(path);
    if (node === null) throw failed('NONODE', path, operation);
    return node;
  }

  private node(path: string): TreeNode | null {
    const known = this.touched.get(path);
    if (known !== undefined) return known.node;
    const node = this.load(path);
    if (node !== null) this.touched.set(path, { node, wasStored: true });
    return node;
  }
}

export function failed(
  code: CoordinationErrorCode,
  path: string,
  operation: number | null,
): CoordinationError {
  return new CoordinationError(code, path, operation === null ? {} : { operation });
}

export function statOf(node: TreeNode): Stat {
  return {
    czxid: node.czxid,
    mzxid: node.mzxid,
    ctimeMs: node.ctimeMs,
    mtimeMs: node.mtimeMs,
    version: node.version,
    // Every child was created once, and those that are not there any more were deleted once.
    cversion: 2 * node.createdChildren - node.childCount,
    ephemeralOwner: node.owner,
    childCount: node.childCount,
  };
}

function checkVersion(node: TreeNode, version: number, operation: number): void {
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
