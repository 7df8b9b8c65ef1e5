//! Files in: read, map, check, stage, commit (数据导入).
