import { CoordinationError, type WatchEvent } from '@odradek/core/ports/coordination.ts';
import { parentOf, ROOT } from '../coordination/tree-path.ts';

/**
 * `persistent` tells what one-shot watches of the node and of its children would tell, `persistent-recursive` of the
 * creation, deletion and data of the node and of all below it (ZooKeeper: AddWatchMode).
 */
export type PersistentWatchMode = 'persistent' | 'persistent-recursive';

/**
 * A change, or `interrupted`: the connection was lost and the watch is set again. Servers do not tell what changed
 * in between, so whoever keeps a copy must read it anew.
 */
export type PersistentWatchEvent = WatchEvent | { readonly type: 'interrupted'; readonly path: string };

export type PersistentWatch = (event: PersistentWatchEvent) => void;

interface Entry {
  readonly mode: PersistentWatchMode;
  readonly watch: PersistentWatch;
  /** Only a watch that is set tells anything, and is set again on the next connection. */
  state: 'adding' | 'set' | 'removing';
}

/** So many a session may hold: what is more calls for a recursive one. */
const PERSISTENT_WATCHES_MAX = 10_000;

/**
 * The persistent watches of one session, at most one per path, and never on a path where its one-shot watches wait:
 * a server older than 3.9 keeps one kind of watch per path and session, so that a one-shot watch ends a persistent
 * one, in silence (ZOOKEEPER-4466).
 */
export class PersistentWatches {
  private readonly entries = new Map<string, Entry>();
  /** One-shot watches that were asked for and not answered yet, by path. */
  private readonly oneShotsAsked = new Map<string, number>();

  /** @throws CoordinationError BADARGUMENTS when the path is watched already, or too many are */
  add(path: string, mode: PersistentWatchMode, watch: PersistentWatch, hasOneShots: boolean): void {
    const present = this.entries.get(path);
    if (present !== undefined) {
      throw refusal(path, `${path} has a persistent watch (${present.mode}), allowed is one per path`);
    }
    if (hasOneShots || this.oneShotsAsked.has(path)) {
      throw refusal(path, `one-shot watches wait on ${path}: a path has those or a persistent one`);
    }
    if (this.entries.size >= PERSISTENT_WATCHES_MAX) {
      throw refusal(
        path,
        `the session has ${PERSISTENT_WATCHES_MAX} persistent watches, no more are allowed`,
      );
    }
    this.entries.set(path, { mode, watch, state: 'adding' });
  }

  /** The server has it. */
  added(path: string): void {
    this.entries.get(path)!.state = 'set';
  }

  /** It tells nothing from now on. @throws CoordinationError BADARGUMENTS when the path has none that is set */
  remove(path: string): void {
    const entry = this.entries.get(path);
    if (entry?.state !== 'set') throw refusal(path, `no persistent watch is set on ${path}`);
    entry.state = 'removing';
  }

  /** The server does not have it, or not any more. */
  forget(path: string): void {
    this.entries.delete(path);
  }

  /** @throws CoordinationError BADARGUMENTS when the path has a persistent watch */
  askOneShot(path: string): void {
    if (this.entries.has(path)) {
      throw refusal(path, `${path} has a persistent watch, which a one-shot watch might end`);
    }
    this.oneShotsAsked.set(path, (this.oneShotsAsked.get(path) ?? 0) + 1);
  }

  oneShotAnswered(path: string): void {
    const left = this.oneShotsAsked.get(path)! - 1;
    if (left > 0) this.oneShotsAsked.set(path, left);
    else this.oneShotsAsked.delete(path);
  }

  /** Who is to be told of a change: the watch of the path, and recursive ones of what is above it. */
  concerned(event: WatchEvent): PersistentWatch[] {
    const concerned: PersistentWatch[] = [];
    for (let path = event.path; ; path = parentOf(path)) {
      const entry = this.entries.get(path);
      if (entry?.state === 'set' && isConcerned(entry.mode, path, event)) concerned.push(entry.watch);
      if (path === ROOT) return concerned;
    }
  }

  /** The watch of a path if it is set. */
  at(path: string): PersistentWatch | null {
    const entry = this.entries.get(path);
    return entry?.state === 'set' ? entry.watch : null;
  }

  /** The paths of those that are set. */
  paths(mode: PersistentWatchMode): string[] {
    return [...this.entries].flatMap(([path, entry]) =>
      entry.state === 'set' && entry.mode === mode ? [path] : [],
    );
  }
}

function isConcerned(mode: PersistentWatchMode, path: string, event: WatchEvent): boolean {
  return mode === 'persistent' ? path === event.path : event.type !== 'children';
}

function refusal(path: string, message: string): CoordinationError {
  return new CoordinationError('BADARGUMENTS', path, { message });
}
