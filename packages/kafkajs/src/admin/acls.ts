import type { Cluster } from '@odradek/client/index.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { createAclsApi } from '@odradek/protocol/generated/apis/create-acls.ts';
import { deleteAclsApi } from '@odradek/protocol/generated/apis/delete-acls.ts';
import { describeAclsApi } from '@odradek/protocol/generated/apis/describe-acls.ts';
import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  ResourcePatternTypes,
} from '../constants.ts';
import { protocolError } from '../error-translation.ts';
import { KafkaJSNonRetriableError } from '../errors.ts';
import type { AclEntry, AclFilter, DeleteAclFilterResponses, DescribeAclResource } from './admin-types.ts';

interface Types {
  readonly operation: number;
  readonly permissionType: number;
  readonly resourceType: number;
  readonly resourcePatternType: number;
}

const isKnown = (table: Readonly<Record<string, number>>, value: number): boolean =>
  Object.values(table).includes(value);

/** @throws KafkaJSNonRetriableError naming the first that is not known */
function checkTypes(entries: readonly Types[], patternName: string, isShown: boolean): void {
  const kinds = [
    ['operation type', 'operation', AclOperationTypes],
    [patternName, 'resourcePatternType', ResourcePatternTypes],
    ['permission type', 'permissionType', AclPermissionTypes],
    ['resource type', 'resourceType', AclResourceTypes],
  ] as const;
  for (const [name, field, table] of kinds) {
    const wrong = entries.find((entry) => !isKnown(table, entry[field]));
    if (wrong === undefined) continue;
    const shown = isShown ? `: ${JSON.stringify(wrong)}` : '';
    throw new KafkaJSNonRetriableError(`Invalid ${name} ${wrong[field]}${shown}`);
  }
}

function checkTexts(entries: readonly object[], where: string, mayBeAbsent: boolean): void {
  for (const field of ['principal', 'host', 'resourceName'] as const) {
    const isText = (entry: object): boolean => {
      const value = (entry as Record<string, unknown>)[field];
      return typeof value === 'string' || (mayBeAbsent && value === undefined);
    };
    if (entries.every(isText)) continue;
    throw new KafkaJSNonRetriableError(`Invalid ${where}, the ${field}s have to be a valid string`);
  }
}

/** @throws KafkaJSProtocolError of the first that was refused */
export async function createAcls(cluster: Cluster, acl: readonly AclEntry[]): Promise<boolean> {
  if (!acl || !Array.isArray(acl)) throw new KafkaJSNonRetriableError(`Invalid ACL array ${String(acl)}`);
  if (acl.length === 0) throw new KafkaJSNonRetriableError('Empty ACL array');
  checkTexts(acl, 'ACL array', false);
  checkTypes(acl, 'resource pattern type', true);
  const answer = await cluster.requestToController(
    createAclsApi,
    (version) => ({
      creations: acl.map(({ resourcePatternType, ...entry }: AclEntry) => ({
        ...entry,
        ...(version >= 1 ? { resourcePatternType } : {}),
      })),
    }),
    ({ results }) => results.map(({ errorCode }) => errorCode),
  );
  const refused = answer.results.find(({ errorCode }) => errorCode !== ErrorCode.NONE);
  if (refused !== undefined) throw protocolError(refused.errorCode, refused.errorMessage);
  return true;
}

function filterFields(version: number, filter: AclFilter) {
  return {
    resourceTypeFilter: filter.resourceType,
    resourceNameFilter: filter.resourceName ?? null,
    ...(version >= 1 ? { patternTypeFilter: filter.resourcePatternType } : {}),
    principalFilter: filter.principal ?? null,
    hostFilter: filter.host ?? null,
    operation: filter.operation,
    permissionType: filter.permissionType,
  };
}

/** @throws KafkaJSProtocolError */
export async function describeAcls(
  cluster: Cluster,
  filter: AclFilter,
): Promise<{ resources: DescribeAclResource[] }> {
  for (const field of ['principal', 'host', 'resourceName'] as const) {
    if (filter[field] === undefined || typeof filter[field] === 'string') continue;
    throw new KafkaJSNonRetriableError(`Invalid ${field}, the ${field} have to be a valid string`);
  }
  checkTypes([filter], 'resource pattern filter type', false);
  const answer = await cluster.requestToController(
    describeAclsApi,
    (version) => filterFields(version, filter),
    ({ errorCode }) => [errorCode],
  );
  if (answer.errorCode !== ErrorCode.NONE) throw protocolError(answer.errorCode, answer.errorMessage);
  const resources = answer.resources.map(({ resourceType, resourceName, patternType, acls }) => ({
    resourceType,
    resourceName,
    resourcePatternType: patternType,
    acls: acls.map(({ principal, host, operation, permissionType }) => ({
      principal,
      host,
      operation,
      permissionType,
    })),
  }));
  return { resources: resources as DescribeAclResource[] };
}

/** @throws KafkaJSProtocolError of the first filter that was refused */
export async function deleteAcls(
  cluster: Cluster,
  filters: readonly AclFilter[],
): Promise<{ filterResponses: DeleteAclFilterResponses[] }> {
  if (!filters || !Array.isArray(filters)) {
    throw new KafkaJSNonRetriableError(`Invalid ACL Filter array ${String(filters)}`);
  }
  if (filters.length === 0) throw new KafkaJSNonRetriableError('Empty ACL Filter array');
  checkTexts(filters, 'ACL Filter array', true);
  checkTypes(filters, 'resource pattern filter type', true);
  const answer = await cluster.requestToController(
    deleteAclsApi,
    (version) => ({ filters: filters.map((filter: AclFilter) => filterFields(version, filter)) }),
    ({ filterResults }) => filterResults.map(({ errorCode }) => errorCode),
  );
  const refused = answer.filterResults.find(({ errorCode }) => errorCode !== ErrorCode.NONE);
  if (refused !== undefined) throw protocolError(refused.errorCode, refused.errorMessage);
  const filterResponses = answer.filterResults.map(({ errorCode, errorMessage, matchingAcls }) => ({
    errorCode,
    errorMessage,
    matchingAcls: matchingAcls.map((one) => ({
      errorCode: one.errorCode,
      errorMessage: one.errorMessage,
      resourceType: one.resourceType,
      resourceName: one.resourceName,
      resourcePatternType: one.patternType,
      principal: one.principal,
      host: one.host,
      operation: one.operation,
      permissionType: one.permissionType,
    })),
  }));
  return { filterResponses: filterResponses as DeleteAclFilterResponses[] };
}
