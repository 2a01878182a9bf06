import {
  CoordinationError,
  WRITE_SIZE_MAX_BYTES,
  type Coordination,
  type Done,
  type NodeContents,
  type SessionState,
  type Stat,
  type Watch,
  type WatchEvent,
  type WriteDone,
  type WriteOperation,
  type WriteResult,
} from '@odradek/core/ports/coordination.ts';
import { checkPath, ROOT } from '../coordination/tree-path.ts';
import { WatchTable, type WatchKind } from '../coordination/watch-table.ts';
import { accessOf } from './access-control.ts';
import { guarded } from './guarded.ts';
import type { WatchedPaths } from './messages.ts';
import { PersistentWatches, type PersistentWatch, type PersistentWatchMode } from './persistent-watches.ts';
import * as requests from './requests.ts';
import { ZookeeperSession, type SessionOptions, type SessionParts } from './zookeeper-session.ts';

export interface ZookeeperOptions extends SessionOptions {
  /** The node that all paths are below, as `/kafka`; empty for none. It must be there. */
  readonly chroot: string;
  /** zookeeper.set.acl: only who created a node may change it. */
  readonly protectsNodes: boolean;
}

/**
 * The coordination tree in a ZooKeeper ensemble (3.5 or newer), with one session. Reads may show an earlier state
 * than another session has seen; what this session wrote or saw they always show.
 */
export class ZookeeperCoordination implements Coordination {
  /** For tests and logs: which server, and what proves the session. */
  readonly session: ZookeeperSession;
  private readonly watches = new WatchTable();
  private readonly persistentWatches = new PersistentWatches();
  private readonly view: requests.TreeView;

  private constructor(
    parts: SessionParts,
    options: ZookeeperOptions,
    started: (error: CoordinationError | null) => void,
  ) {
    this.view = viewBelow(options.chroot, options.protectsNodes);
    const hooks = {
      changed: (event: WatchEvent) => this.fire(event),
      watched: () => this.watchedPaths(),
      watchedAgain: (paths: WatchedPaths) => this.tellInterrupted(paths),
    };
    this.session = new ZookeeperSession(parts, options, hooks, started);
  }

  /**
   * Opens a session.
   * @param signal ends the attempt, with CONNECTIONLOSS
   * @throws CoordinationError CONNECTIONLOSS when no server gives one in time, AUTHFAILED, or NONODE when there is
   *   no chroot
   */
  static async connect(
    parts: SessionParts,
    options: ZookeeperOptions,
    signal: AbortSignal | null = null,
  ): Promise<ZookeeperCoordination> {
    const coordination = await new Promise<ZookeeperCoordination>((resolve, reject) => {
      const made: ZookeeperCoordination = new ZookeeperCoordination(parts, options, (error) => {
        signal?.removeEventListener('abort', giveUp);
        if (error === null) resolve(made);
        else reject(error);
      });
      const giveUp = () =>
        made.close(() => reject(new CoordinationError('CONNECTIONLOSS', ROOT, { message: 'given up' })));
      if (signal?.aborted === true) giveUp();
      else signal?.addEventListener('abort', giveUp);
    });
    await coordination.requireChroot(options.chroot);
    return coordination;
  }

  private requireChroot(chroot: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.stat(ROOT, null, (error, stat) => {
        if (error === null && stat !== null) return resolve();
        const message =
          `the root path ${chroot} of zookeeper.connect is not there: is it the right ensemble? ` +
          `A new cluster needs it created first, for instance with zookeeper-shell: create ${chroot}`;
        this.close(() => reject(error ?? new CoordinationError('NONODE', chroot, { message })));
      });
    });
  }

  get sessionId(): string {
    return this.session.sessionId;
  }

  write(operations: readonly WriteOperation[], done: WriteDone): void {
    if (operations.length === 0) throw new RangeError('a write needs at least one operation');
    const tell: Done<readonly WriteResult[]> = (error, results) => done(error, results ?? []);
    this.checked(
      tell,
      () => checkWrite(operations),
      () => requests.write(this.view, operations),
    );
  }

  read(path: string, watch: Watch | null, done: Done<NodeContents>): void {
    this.ask(path, watch, () => 'node', requests.getData, done);
  }

  stat(path: string, watch: Watch | null, done: Done<Stat | null>): void {
    this.ask(path, watch, (stat) => (stat === null ? 'absent-node' : 'node'), requests.exists, done);
  }

  children(path: string, watch: Watch | null, done: Done<readonly string[]>): void {
    this.ask(path, watch, () => 'children', requests.getChildren, done);
  }

  /**
   * Sets a watch that stays until `removeWatch` or the end of the session, on a node that need not be there. It is
   * told every change, each before a later read shows it. On the next connection after a loss it is set again, and
   * told `interrupted`: what changed in between nobody tells. Needs servers of version 3.6 or newer, and a path on
   * which this session has no other watch, one-shot watches included (below a recursive one they may be).
   * @param done BADARGUMENTS: the path is watched already, or 10,000 persistent watches are set; SYSTEMERROR: the
   *   server is too old, and has closed the connection
   */
  addWatch(path: string, mode: PersistentWatchMode, watch: PersistentWatch, done: Done<null>): void {
    let isBegun = false;
    this.checked<null>(
      (...outcome) => {
        if (outcome[0] === null) this.persistentWatches.added(path);
        else if (isBegun) this.persistentWatches.forget(path);
        done(...outcome);
      },
      () => {
        checkPath(path, null, false);
        this.persistentWatches.add(path, mode, watch, this.watches.has(path));
        isBegun = true;
      },
      () => requests.addWatch(this.view, path, mode),
    );
  }

  /**
   * Takes a persistent watch back, which is told nothing from now on. Once `done` has run, also with an error of
   * the connection, the path is free for other watches.
   * @param done BADARGUMENTS: none is set there
   */
  removeWatch(path: string, done: Done<null>): void {
    let isBegun = false;
    this.checked<null>(
      (...outcome) => {
        if (isBegun) this.persistentWatches.forget(path);
        done(...outcome);
      },
      () => {
        this.persistentWatches.remove(path);
        isBegun = true;
      },
      () => requests.removeWatches(this.view, path),
    );
  }

  onSession(listener: (state: SessionState) => void): () => void {
    return this.session.onState(listener);
  }

  /** See OpenCoordination. */
  noticeEnd(): void {
    this.session.noticeEnd();
  }

  close(done: () => void): void {
    this.session.close(done);
  }

  /** A read; what kind of watch a server sets with it depends on the answer. */
  private ask<Answer>(
    path: string,
    watch: Watch | null,
    kindFor: (answer: Answer) => WatchKind,
    request: (view: requests.TreeView, path: string, watch: boolean) => requests.Request<Answer>,
    done: Done<Answer>,
  ): void {
    let isWatchAsked = false;
    this.checked<Answer>(
      (error, answer) => {
        if (isWatchAsked) this.persistentWatches.oneShotAnswered(path);
        if (error !== null) return done(error, null);
        if (watch !== null) this.watches.add(kindFor(answer), path, watch);
        done(null, answer);
      },
      () => {
        checkPath(path, null, false);
        if (watch === null) return;
        this.persistentWatches.askOneShot(path);
        isWatchAsked = true;
      },
      () => request(this.view, path, watch !== null),
    );
  }

  /** What is wrong by itself is not sent, and told in its turn. */
  private checked<Answer>(
    done: Done<Answer>,
    check: () => void,
    request: () => requests.Request<Answer>,
  ): void {
    try {
      check();
    } catch (error) {
      if (!(error instanceof CoordinationError)) throw error;
      return this.session.fail(error, done);
    }
    this.session.submit(request(), done);
  }

  private fire(event: WatchEvent): void {
    const seen = { type: event.type, path: this.view.fromServer(event.path) };
    for (const watch of this.persistentWatches.concerned(seen)) guarded(() => watch(seen));
    for (const { watch, event: own } of this.watches.take(seen)) guarded(() => watch(own));
  }

  private watchedPaths(): WatchedPaths {
    const below = (paths: readonly string[]) => paths.map((path) => this.view.toServer(path));
    const { watches, persistentWatches } = this;
    return {
      node: below(watches.paths('node')),
      absentNode: below(watches.paths('absent-node')),
      children: below(watches.paths('children')),
      persistent: below(persistentWatches.paths('persistent')),
      recursive: below(persistentWatches.paths('persistent-recursive')),
    };
  }

  private tellInterrupted({ persistent, recursive }: WatchedPaths): void {
    for (const serverPath of [...persistent, ...recursive]) {
      const path = this.view.fromServer(serverPath);
      const watch = this.persistentWatches.at(path);
      if (watch !== null) guarded(() => watch({ type: 'interrupted', path }));
    }
  }
}

function viewBelow(chroot: string, protectsNodes: boolean): requests.TreeView {
  return {
    toServer: (path) => (chroot === '' ? path : path === ROOT ? chroot : chroot + path),
    fromServer: (path) => path.slice(chroot.length) || ROOT,
    accessOf: (path) => accessOf(path, protectsNodes),
  };
}

/** @throws CoordinationError BADARGUMENTS */
function checkWrite(operations: readonly WriteOperation[]): void {
  let sizeBytes = 0;
  for (const [index, operation] of operations.entries()) {
    const { type, path } = operation;
    checkPath(path, index, type === 'create' && operation.mode.endsWith('-sequential'));
    // The root below which we live is not ours to delete.
    if (type === 'delete' && path === ROOT) {
      throw new CoordinationError('BADARGUMENTS', ROOT, { operation: index });
    }
    sizeBytes += path.length;
    if (type === 'create' || type === 'set') sizeBytes += operation.data?.length ?? 0;
  }
  if (sizeBytes <= WRITE_SIZE_MAX_BYTES) return;
  throw new CoordinationError('BADARGUMENTS', operations[0]!.path, {
    message: `a write of ${sizeBytes} bytes is larger than the allowed ${WRITE_SIZE_MAX_BYTES}`,
  });
}
