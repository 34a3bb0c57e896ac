export { type CoreLimits, forbidCoreDumps, limitThatHolds, readCoreLimits } from './core-dumps';
export { forbidDebugger } from './debugger-signal';
export { CocoonError, errorMessage, isRetryable, type CocoonErrorOptions, type ErrorAction } from './errors';
export { backgroundClock, ManualClock, nowSec, sleep, systemClock, type Clock } from './clock';
export { EventStreamParser, StreamEvent } from './event-stream';
export { createLogger, silentLogger, type Logger, type LoggerOptions, type LogLines } from './logger';
export { packageRoot, packageVersion, programFile } from './package-root';
export { retry, type RetryOptions } from './retry';
export {
    feeSpread,
    type NewSend,
    type OpenSend,
    type SendClosure,
    type SendFate,
    type SendJournal,
    type SignedSend,
} from './send-journal';
export { timeLimit, type TimeLimit } from './time-limit';
export { ceilDiv, formatTon, parseTon } from './units';
