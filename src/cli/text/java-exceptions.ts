/**
 * What Kafka's tools print of an error that a broker answered: the name of a Java class, then the sentence. Most names follow
 * from the code's; the table has the others.
 */
import type { ErrorCode } from '../../base/error-codes.ts'
import { KafkaError } from '../../base/errors.ts'
import { ClientError } from '../../client/errors.ts'
import { clientSentence, isTlsFailure } from '../clients/admin.ts'

const PACKAGE = 'org.apache.kafka.common.errors.'

const NAMES: Partial<Record<ErrorCode, string>> = {
  UNKNOWN_SERVER_ERROR: 'UnknownServerException',
  CORRUPT_MESSAGE: 'CorruptRecordException',
  REQUEST_TIMED_OUT: 'TimeoutException',
  MESSAGE_TOO_LARGE: 'RecordTooLargeException',
  STALE_CONTROLLER_EPOCH: 'ControllerMovedException',
  OFFSET_METADATA_TOO_LARGE: 'OffsetMetadataTooLarge',
  NETWORK_EXCEPTION: 'NetworkException',
  INVALID_TOPIC_EXCEPTION: 'InvalidTopicException',
  RECORD_LIST_TOO_LARGE: 'RecordBatchTooLargeException',
  TOPIC_AUTHORIZATION_FAILED: 'TopicAuthorizationException',
  GROUP_AUTHORIZATION_FAILED: 'GroupAuthorizationException',
  CLUSTER_AUTHORIZATION_FAILED: 'ClusterAuthorizationException',
  TOPIC_ALREADY_EXISTS: 'TopicExistsException',
  INVALID_CONFIG: 'InvalidConfigurationException',
  OUT_OF_ORDER_SEQUENCE_NUMBER: 'OutOfOrderSequenceException',
  DUPLICATE_SEQUENCE_NUMBER: 'DuplicateSequenceException',
  INVALID_PRODUCER_ID_MAPPING: 'InvalidPidMappingException',
  INVALID_TRANSACTION_TIMEOUT: 'InvalidTxnTimeoutException',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'TransactionalIdAuthorizationException',
  KAFKA_STORAGE_ERROR: 'KafkaStorageException',
  SASL_AUTHENTICATION_FAILED: 'SaslAuthenticationException',
  DELEGATION_TOKEN_AUTH_DISABLED: 'DelegationTokenDisabledException',
  DELEGATION_TOKEN_REQUEST_NOT_ALLOWED: 'UnsupportedByAuthenticationException',
  DELEGATION_TOKEN_AUTHORIZATION_FAILED: 'DelegationTokenAuthorizationException',
  NON_EMPTY_GROUP: 'GroupNotEmptyException',
  INVALID_RECORD: 'org.apache.kafka.common.InvalidRecordException',
  PRINCIPAL_DESERIALIZATION_FAILURE: 'PrincipalDeserializationException',
  FETCH_SESSION_TOPIC_ID_ERROR: 'FetchSessionTopicIdException',
  INVALID_REGULAR_EXPRESSION: 'InvalidRegularExpression',
}

/** `org.apache.kafka.common.errors.TopicExistsException` */
export function javaClass(error: unknown): string {
  if (error instanceof ClientError && error.code === 'TIMED_OUT') return `${PACKAGE}TimeoutException`
  if (isTlsFailure(error)) return `${PACKAGE}SslAuthenticationException`
  if (!(error instanceof KafkaError)) return 'java.lang.IllegalArgumentException'
  const name = NAMES[error.code]
  if (name !== undefined) return name.includes('.') ? name : PACKAGE + name
  const words = error.code.split('_').map((word) => word.charAt(0) + word.slice(1).toLowerCase())
  return `${PACKAGE}${words.join('')}Exception`
}

/** Throwable.toString: the class, then the sentence. */
export function javaError(error: unknown): string {
  return `${javaClass(error)}: ${clientSentence(error)}`
}
