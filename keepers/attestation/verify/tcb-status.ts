import type { TcbStatus } from '../parse/signed-json';

/** Intel's words for the state of a platform, those for a TD that should be launched again included. */
export type EvaluationStatus = TcbStatus | 'TDRelaunchAdvised' | 'TDRelaunchAdvisedConfigurationNeeded';

export interface TcbEvaluation {
    status: EvaluationStatus;
    advisoryIds: string[];
    /** ISO date of the oldest level that matched. */
    tcbDate: string;
}

interface Level {
    tcbStatus: TcbStatus;
    tcbDate: string;
    advisoryIDs?: string[] | undefined;
}

/** Intel's rule: a revoked part revokes all, an outdated part makes a current platform outdated. */
export function mergeLevels(platform: Level, parts: Level[]): TcbEvaluation {
    const levels = [platform, ...parts];
    return {
        status: mergeStatus(
            platform.tcbStatus,
            parts.map((part) => part.tcbStatus),
        ),
        advisoryIds: [...new Set(levels.flatMap((level) => level.advisoryIDs ?? []))],
        tcbDate: levels.map((level) => level.tcbDate).reduce(earlier),
    };
}

function earlier(a: string, b: string): string {
    return Date.parse(a) <= Date.parse(b) ? a : b;
}

function mergeStatus(platform: TcbStatus, parts: TcbStatus[]): TcbStatus {
    if (platform === 'Revoked' || parts.includes('Revoked')) {
        return 'Revoked';
    }
    if (!parts.includes('OutOfDate')) {
        return platform;
    }
    return needsConfiguration(platform) ? 'OutOfDateConfigurationNeeded' : 'OutOfDate';
}

function needsConfiguration(status: EvaluationStatus): boolean {
    return status.includes('Configuration');
}

/** TD 1.5: a TD launched under an outdated module on a machine that is current now should be launched again. */
export function mergeRelaunch(launch: TcbEvaluation, current: TcbEvaluation): TcbEvaluation {
    return {
        status: relaunchStatus(launch.status, current.status),
        advisoryIds: [...new Set([...launch.advisoryIds, ...current.advisoryIds])],
        tcbDate: earlier(launch.tcbDate, current.tcbDate),
    };
}

/** Stricter than Intel in one case: a module now outdated is not excused by one that was current at launch. */
function relaunchStatus(launch: EvaluationStatus, current: EvaluationStatus): EvaluationStatus {
    if (!isOutOfDate(launch)) {
        return isOutOfDate(current) ? current : launch;
    }
    if (isOutOfDate(current)) {
        return launch;
    }
    const configure = needsConfiguration(launch) || needsConfiguration(current);
    return configure ? 'TDRelaunchAdvisedConfigurationNeeded' : 'TDRelaunchAdvised';
}

function isOutOfDate(status: EvaluationStatus): boolean {
    return status.startsWith('OutOfDate');
}
