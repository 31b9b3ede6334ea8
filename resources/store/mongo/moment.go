package mongo

import driver "go.mongodb.org/mongo-driver/v2/mongo"

// moment is how all that a search finds is as it was at one moment. A command that answers at once sees one by itself; several need a
// transaction, which costs, since it has to be ended. Which of the two a search needs shows when it is planned.
type moment struct {
	single  bool            // it is one command, as far as is known
	session *driver.Session // of the transaction; nil: there is none
}

// level is the read concern of commands outside of a transaction. Whatever a snapshot yields to, it is of one moment.
func (m moment) level() string {
	if m.single {
		return "snapshot"
	}
	return "majority"
}

// severalCommands says that what is to be read takes several commands.
func (v *view) severalCommands() error {
	if !v.single {
		return nil
	}
	return v.oneMoment()
}

// oneMoment begins a transaction for all that the view reads from now on.
func (v *view) oneMoment() error {
	session, inside, err := v.s.transaction(v.outside)
	if err != nil {
		return err
	}
	v.moment, v.ctx = moment{session: session}, inside
	return nil
}

// endMoment ends the transaction, if there is one. Nobody has to wait for that.
func (v *view) endMoment() {
	if v.session != nil {
		go endSession(v.outside, v.session)
	}
}
