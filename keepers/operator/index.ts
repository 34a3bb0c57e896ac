export {
    type ActConsole,
    type ActPlan,
    planMessage,
    type PlannedMessage,
    RecordingSender,
    runAct,
    type RunActOptions,
} from './act';
export { OperatorError, type OperatorErrorCode } from './errors';
