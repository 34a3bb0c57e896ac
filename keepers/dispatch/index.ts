export { DispatchError, type DispatchErrorCode } from './errors';
export { EscrowBook, type EscrowAccount, type EscrowBookOptions, type ReadEscrow } from './escrow-book';
export { keepAlive } from './heartbeat';
export {
    type Challenge,
    challengeSchema,
    decodeJson,
    decodeRequestMessage,
    encodeJsonMessage,
    encodeRequestMessage,
    type Hello,
    helloSchema,
    linkOperation,
    maxLinkMessageBytes,
    type Refusal,
    type Update,
} from './link-messages';
export { type AnswerListener, type LinkEvents, NodeLink } from './node-link';
export { NodeLoad } from './node-load';
