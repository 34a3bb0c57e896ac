export {
    type Intent,
    type IntentOutcome,
    type IntentState,
    noEffect,
    OutboxSender,
    type OutboxSenderOptions,
    partialEffect,
    type RecordedRequest,
    type RequestOutcome,
    type StateOf,
} from './outbox-sender';
export { openSender, type OpenedSender, type SenderSettings } from './open-sender';
