//! Tables for people on a terminal, where a Chinese character is two columns wide.

/// Rows under headings.
#[derive(Debug, Clone, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with its headings.
    pub fn new<S: Into<String>>(headings: impl IntoIterator<Item = S>) -> Self {
        Self { rows: vec![headings.into_iter().map(Into::into).collect()] }
    }

    /// Adds a row.
    pub fn row<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|i| {
                let cells = self.rows.iter().filter_map(|row| row.get(i));
                cells.map(|cell| width(cell)).max().unwrap_or(0)
            })
            .collect();
        for (n, row) in self.rows.iter().enumerate() {
            let mut line = String::new();
            for (i, cell) in row.iter().enumerate() {
                let cell_width = width(cell);
                let pad = widths.get(i).map_or(0, |w| w - cell_width);
                // Figures stand under each other at their ends.
                let number =
                    n > 0 && !cell.is_empty() && cell.chars().all(|c| c.is_ascii_digit() || ",.%+-".contains(c));
                if i > 0 {
                    line.push_str("  ");
                }
                if number {
                    line.push_str(&" ".repeat(pad));
                }
                line.push_str(cell);
                if !number {
                    line.push_str(&" ".repeat(pad));
                }
            }
            writeln!(f, "{}", line.trim_end())?;
            if n == 0 {
                let total = widths.iter().sum::<usize>() + widths.len().saturating_sub(1) * 2;
                writeln!(f, "{}", "─".repeat(total))?;
            }
        }
        Ok(())
    }
}

/// Columns that a text takes on a terminal.
fn width(text: &str) -> usize {
    text.chars()
        .map(|c| match u32::from(c) {
            0x1100..=0x115F | 0x2E80..=0xA4CF | 0xAC00..=0xD7A3 | 0xF900..=0xFAFF => 2,
            0xFE30..=0xFE6F | 0xFF00..=0xFF60 | 0xFFE0..=0xFFE6 | 0x20000..=0x3FFFD => 2,
            _ => 1,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_each_other_in_both_scripts() {
        let mut table = Table::new(["名称", "n"]);
        table.row(["青石村", "7"]);
        table.row(["ab", "1,200"]);
        assert_eq!(table.to_string(), "名称    n\n─────────────\n青石村      7\nab      1,200\n");
    }
}
