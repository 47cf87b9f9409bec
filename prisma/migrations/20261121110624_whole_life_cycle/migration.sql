-- CreateEnum
CREATE TYPE "PowerOrder" AS ENUM ('stopping', 'stopping_hard', 'rebooting', 'cycling', 'starting');

-- CreateEnum
CREATE TYPE "AfterDestroy" AS ENUM ('none', 'reinstall');

-- AlterEnum
ALTER TYPE "MachineState" ADD VALUE 'handing_over' BEFORE 'used';

-- AlterEnum
ALTER TYPE "InstanceState" ADD VALUE 'stopped' BEFORE 'error';

-- AlterEnum
ALTER TYPE "Stage" ADD VALUE 'offered' BEFORE 'delete';

-- AlterTable
ALTER TABLE "machines" ADD COLUMN     "attempt" INTEGER NOT NULL DEFAULT 1,
ADD COLUMN     "bmc_fault" JSONB,
ADD COLUMN     "failed_stage" "Stage",
ADD COLUMN     "locked" JSONB,
ADD COLUMN     "maintenance" JSONB,
ADD COLUMN     "power_due_at" TIMESTAMPTZ(3),
ADD COLUMN     "power_order" "PowerOrder",
ADD COLUMN     "power_order_at" TIMESTAMPTZ(3),
ADD COLUMN     "retry_at" TIMESTAMPTZ(3),
ADD COLUMN     "returned_at" TIMESTAMPTZ(3);

-- AlterTable
ALTER TABLE "instances" ADD COLUMN     "pooled" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "reused_instance_id" UUID,
ADD COLUMN     "user_data" TEXT;

-- AlterTable
ALTER TABLE "instance_types" ADD COLUMN     "after_destroy" "AfterDestroy" NOT NULL DEFAULT 'none',
ADD COLUMN     "default_image_id" UUID,
ADD COLUMN     "pool_size" INTEGER NOT NULL DEFAULT 0;

-- CreateIndex
CREATE INDEX "machines_instance_type_state_name_idx" ON "machines"("instance_type", "state", "name");

-- CreateIndex
CREATE INDEX "machines_power_due_at_idx" ON "machines"("power_due_at");

-- CreateIndex
CREATE UNIQUE INDEX "instances_reused_instance_id_key" ON "instances"("reused_instance_id");

-- CreateIndex
CREATE INDEX "instances_cluster_idx" ON "instances"("cluster");

-- AddForeignKey
ALTER TABLE "instance_types" ADD CONSTRAINT "instance_types_default_image_id_fkey" FOREIGN KEY ("default_image_id") REFERENCES "images"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
