/** Intel's words for the state of a platform, by the numbers that the contract uses; a revoked one is refused. */
export const platformStatuses = [
    'UpToDate',
    'SWHardeningNeeded',
    'ConfigurationNeeded',
    'ConfigurationAndSWHardeningNeeded',
    'OutOfDate',
    'OutOfDateConfigurationNeeded',
    'Revoked',
    'TDRelaunchAdvised',
    'TDRelaunchAdvisedConfigurationNeeded',
] as const;
export type PlatformStatus = (typeof platformStatuses)[number];
