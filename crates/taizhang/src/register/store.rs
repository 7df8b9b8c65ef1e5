//! All SQL of the register.

use crate::args;
use crate::platform::{Db, DbError};

use super::divisions::{Alias, Division};

/// All divisions and aliases.
pub(super) async fn division_tables(db: &Db) -> Result<(Vec<Division>, Vec<Alias>), DbError> {
    let nodes = db
        .all(
            "SELECT code, name, full_name, parent_code, level, valid_from, valid_to FROM division ORDER BY code",
            args![],
        )
        .await?;
    let aliases = db
        .all(
            "SELECT alias_code, alias_name, code, valid_from, valid_to FROM division_alias
             ORDER BY code, alias_code, alias_name",
            args![],
        )
        .await?;
    Ok((nodes, aliases))
}
