-- CreateIndex
CREATE INDEX "machines_storage_ip_idx" ON "machines"("storage_ip");

-- CreateIndex
CREATE INDEX "machines_service_ip_idx" ON "machines"("service_ip");

-- CreateIndex
CREATE INDEX "machines_storage_mac_idx" ON "machines"("storage_mac");

-- CreateIndex
CREATE INDEX "machines_service_mac1_idx" ON "machines"("service_mac1");

-- CreateIndex
CREATE INDEX "machines_service_mac2_idx" ON "machines"("service_mac2");
