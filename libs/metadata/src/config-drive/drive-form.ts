/** ISO 9660 with Joliet and Rock Ridge, or VFAT. */
export const driveFormats = ['iso9660', 'vfat'] as const;
export type DriveFormat = (typeof driveFormats)[number];

/** How a config drive is written: sectors of a VFAT must be those of the disk, or larger ones. */
export interface DriveForm {
  format: DriveFormat;
  sectorBytes: 512 | 4096;
}

/** The partition at the end of the disk is never larger. */
export const maxDriveBytes = 64 * 1024 * 1024;

/** ISO 9660 has sectors of 2 KiB, which no kernel mounts from a 4K-native disk: VFAT there, whatever is wanted. */
export const driveForm = (wanted: DriveFormat, sectorBytes: DriveForm['sectorBytes']): DriveForm => ({
  format: sectorBytes === 4096 ? 'vfat' : wanted,
  sectorBytes,
});
