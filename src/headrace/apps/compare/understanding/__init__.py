"""understanding: gates and memories compared on millrace, behind one encoder and one oracle reader."""
