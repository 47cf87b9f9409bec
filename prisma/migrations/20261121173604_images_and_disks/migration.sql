-- CreateEnum
CREATE TYPE "ReadBack" AS ENUM ('none', 'sampled', 'full');

-- CreateEnum
CREATE TYPE "ImageKind" AS ENUM ('file_system', 'disk', 'tarball', 'iso');

-- AlterEnum
ALTER TYPE "WipeMode" ADD VALUE 'secure_erase' BEFORE 'overwrite';

-- AlterTable
ALTER TABLE "machines" ADD COLUMN     "last_wipe" JSONB;

-- AlterTable
ALTER TABLE "images" ADD COLUMN     "chunks_sha256" TEXT NOT NULL DEFAULT '',
ADD COLUMN     "data_bytes" BIGINT NOT NULL DEFAULT 0,
ADD COLUMN     "description" JSONB,
ADD COLUMN     "findings" JSONB NOT NULL DEFAULT '[]',
ADD COLUMN     "format" TEXT NOT NULL DEFAULT 'raw',
ADD COLUMN     "kind" "ImageKind" NOT NULL DEFAULT 'file_system',
ADD COLUMN     "last_used_at" TIMESTAMPTZ(3),
ADD COLUMN     "source_url" TEXT,
ALTER COLUMN "file_system" DROP NOT NULL;

-- AlterTable
ALTER TABLE "instance_types" ADD COLUMN     "disk_layout" JSONB,
ADD COLUMN     "read_back" "ReadBack" NOT NULL DEFAULT 'sampled';
