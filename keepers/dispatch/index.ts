export { isDispatcherUrl } from './dispatcher-url';
export { DispatchError, type DispatchErrorCode } from './errors';
export { EscrowBook, type EscrowAccount, type EscrowBookOptions, type ReadEscrow } from './escrow-book';
export { keepAlive } from './heartbeat';
export {
    type BorneLoad,
    type Challenge,
    challengeSchema,
    decodeBorneLoad,
    decodeJson,
    decodeRequestMessage,
    encodeBorneLoad,
    encodeJsonMessage,
    encodeRequestMessage,
    type Hello,
    helloSchema,
    linkOperation,
    maxHelloBytes,
    maxLinkMessageBytes,
    maxNodeMessageBytes,
    maxReplicas,
    messageHeaderBytes,
    operationByte,
    type Refusal,
    requestNamed,
    type RequestMessage,
    replicasSchema,
    replicaUrlSchema,
    type Update,
} from './link-messages';
export {
    decodeResume,
    encodeResume,
    failureSchema,
    gatewayMessage,
    gatewayOperation,
    maxFramesBytes,
    maxGatewayMessageBytes,
    maxLinkedEnvelopeBytes,
    maxStreamsPerLink,
    type RelayFailure,
} from './gateway-messages';
export { LinkWriter, type LinkWriterOptions } from './link-writer';
export { encodeBundle, messagesIn } from './message-bundle';
export { type AnswerListener, closeSocket, type LinkEvents, NodeLink } from './node-link';
export { NodeLoad } from './node-load';
export { Admission, type AdmissionOptions } from './admission';
export { CapBook, type StreamCap } from './cap-book';
export { ConnectedNode } from './connected-node';
export { checkBundle, checkHello, type GreetedNode, type NodeTerms, readTerms } from './hello';
export {
    decodeOrphan,
    encodeOrphan,
    type Orphan,
    type OrphanCap,
    type OrphanedRequest,
    requestOfOrphan,
    verifyOrphan,
} from './orphan';
export { type AnswerOutput, RequestRelay, type RelayOptions } from './relay';
export { WorkQueue } from './work-queue';
export { accountOf, type HubScope, readEscrowOf } from './read-escrow';
