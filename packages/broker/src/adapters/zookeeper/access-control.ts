import { Permission } from './wire-constants.ts';

/** One entry of the access control list of a node. */
export interface AccessEntry {
  readonly permissions: number;
  readonly scheme: string;
  readonly id: string;
}

const EVERYBODY = { scheme: 'world', id: 'anyone' } as const;
/** Whoever creates the node: ZooKeeper puts in what it knows the client by. */
const CREATOR = { scheme: 'auth', id: '' } as const;

const OPEN: readonly AccessEntry[] = [{ permissions: Permission.all, ...EVERYBODY }];
const CREATOR_ONLY: readonly AccessEntry[] = [{ permissions: Permission.all, ...CREATOR }];
const CREATOR_WRITES: readonly AccessEntry[] = [
  ...CREATOR_ONLY,
  { permissions: Permission.read, ...EVERYBODY },
];

/** Below these lie secrets: nobody else may read them (Apache Kafka: ZkData.SensitiveRootPaths). */
const SECRET_ROOTS = ['/config/users', '/config/brokers', '/delegation_token'];

/** Below it consumers of old write themselves, as anybody. */
const OPEN_PATH = '/consumers';

/**
 * Who may do what with a node, as Apache Kafka has it.
 * @param isProtected zookeeper.set.acl
 */
export function accessOf(path: string, isProtected: boolean): readonly AccessEntry[] {
  if (!isProtected || path === OPEN_PATH) return OPEN;
  const isSecret = SECRET_ROOTS.some((root) => path === root || path.startsWith(`${root}/`));
  return isSecret ? CREATOR_ONLY : CREATOR_WRITES;
}
