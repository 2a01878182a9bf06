import type { Watch, WatchEvent } from '@odradek/core/ports/coordination.ts';
import { parentOf } from './tree-path.ts';
import type { TreeChange } from './tree-write.ts';

/** `node` watches are set by read and stat, `children` watches by children. */
export type WatchKind = 'node' | 'children';

/** A watch that was taken out of the table to fire. */
export interface FiringWatch {
  readonly watch: Watch;
  readonly event: WatchEvent;
  readonly kind: WatchKind;
  /** The path it was set on. */
  readonly path: string;
}

/** The one-shot watches of one session. */
export class WatchTable {
  private readonly watches: Record<WatchKind, Map<string, Set<Watch>>> = {
    node: new Map(),
    children: new Map(),
  };

  add(kind: WatchKind, path: string, watch: Watch): void {
    const table = this.watches[kind];
    let set = table.get(path);
    if (set === undefined) table.set(path, (set = new Set()));
    set.add(watch);
  }

  /** Takes out what a change concerns, each function once even when it watches the node and its children. */
  take(change: TreeChange): FiringWatch[] {
    const firing: FiringWatch[] = [];
    this.takeFrom('node', change.path, { type: change.type, path: change.path }, firing);
    if (change.type === 'deleted') {
      this.takeFrom('children', change.path, { type: 'deleted', path: change.path }, firing);
    }
    if (change.type !== 'data') {
      const parent = parentOf(change.path);
      this.takeFrom('children', parent, { type: 'children', path: parent }, firing);
    }
    return firing;
  }

  private takeFrom(kind: WatchKind, path: string, event: WatchEvent, firing: FiringWatch[]): void {
    const set = this.watches[kind].get(path);
    if (set === undefined) return;
    this.watches[kind].delete(path);
    for (const watch of set) {
      const twice = firing.some((other) => other.watch === watch && other.event.path === path);
      if (!twice) firing.push({ watch, event, kind, path });
    }
  }

  clear(): void {
    this.watches.node.clear();
    this.watches.children.clear();
  }
}
