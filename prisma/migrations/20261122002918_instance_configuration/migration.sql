-- CreateEnum
CREATE TYPE "DefaultsScope" AS ENUM ('cluster', 'type', 'machine');

-- AlterTable
ALTER TABLE "instances" ADD COLUMN     "configuration" JSONB,
ADD COLUMN     "configuration_sources" JSONB NOT NULL DEFAULT '{}',
ADD COLUMN     "guest_report" JSONB;

-- What instances had so far: keys, and a script.
UPDATE "instances" SET "configuration" = jsonb_build_object(
    'sshKeys', "ssh_keys",
    'passwordHash', NULL,
    'userData', CASE WHEN "user_data" IS NULL THEN NULL ELSE jsonb_build_object(
        'kind', 'own', 'base64', replace(encode(convert_to("user_data", 'UTF8'), 'base64'), chr(10), '')) END,
    'vendorData', jsonb_build_array(),
    'files', jsonb_build_array(),
    'metadata', jsonb_build_object(),
    'network', NULL,
    'launchIndex', 0,
    'configDrive', false);

ALTER TABLE "instances" ALTER COLUMN "configuration" SET NOT NULL,
DROP COLUMN "ssh_keys",
DROP COLUMN "user_data";

-- CreateTable
CREATE TABLE "config_drives" (
    "instance_id" UUID NOT NULL,
    "content" BYTEA NOT NULL,

    CONSTRAINT "config_drives_pkey" PRIMARY KEY ("instance_id")
);

-- CreateTable
CREATE TABLE "instance_addresses" (
    "vlan_id" INTEGER NOT NULL,
    "address" TEXT NOT NULL,
    "instance_id" UUID NOT NULL,

    CONSTRAINT "instance_addresses_pkey" PRIMARY KEY ("vlan_id","address")
);

-- CreateTable
CREATE TABLE "configuration_defaults" (
    "scope" "DefaultsScope" NOT NULL,
    "name" TEXT NOT NULL,
    "document" JSONB NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_by" TEXT NOT NULL,

    CONSTRAINT "configuration_defaults_pkey" PRIMARY KEY ("scope","name")
);

-- CreateIndex
CREATE INDEX "instance_addresses_address_idx" ON "instance_addresses"("address");

-- CreateIndex
CREATE INDEX "instance_addresses_instance_id_idx" ON "instance_addresses"("instance_id");
