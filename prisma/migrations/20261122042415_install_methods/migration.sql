-- CreateEnum
CREATE TYPE "InstallMethod" AS ENUM ('copy', 'image', 'iscsi', 'netinstall', 'live', 'manual');

-- AlterEnum
ALTER TYPE "Stage" ADD VALUE 'operator' BEFORE 'install';
ALTER TYPE "Stage" ADD VALUE 'starting' BEFORE 'installed';

-- AlterTable
ALTER TABLE "instances" ADD COLUMN     "install_method" "InstallMethod";

-- AlterTable
ALTER TABLE "images" ADD COLUMN     "install" JSONB;

-- AlterTable
ALTER TABLE "instance_types" ADD COLUMN     "forbidden_methods" "InstallMethod"[] DEFAULT ARRAY[]::"InstallMethod"[],
ADD COLUMN     "kernel_arguments" TEXT;

-- What is there was installed as was the only way for its kind.
UPDATE "instances" SET "install_method" = CASE "images"."kind" WHEN 'disk' THEN 'image'::"InstallMethod" ELSE 'copy'::"InstallMethod" END
FROM "images" WHERE "images"."id" = "instances"."image_id";
